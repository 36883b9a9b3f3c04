"""What may be consented to, and what one consented to."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.idempotent import made
from miniprogram_api.reading import Body, Paged
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView, listed, paged
from miniprogram_api.web import Face, allow, answer, answers, body, idempotent, query
from server.access import owners
from server.access.rules import own
from server.consents import service
from server.consents.documents import Document
from server.consents.models import Capacity, Consent
from server.consents.service import Wanted
from server.kernel import clock
from server.kernel.sensitive import Sensitive, if_readable
from server.students.sealed import name_of

consents = Face("consents")
Slug = Annotated[str, Field(min_length=1, max_length=64)]


class NewConsent(Body):
    """To what one consents; `student` is for whom, null for oneself. Versions and scopes: `GET /consent-documents`."""

    document: Slug
    version: Annotated[str, Field(min_length=1, max_length=32, examples=["1"])]
    scope: Slug
    student: UUID | None = None


class ScopeView(Body):
    """One thing to consent to; what is not `needed` may be left out, and everything else works all the same."""

    id: str
    title: str
    text: str
    needed: bool


class DocumentView(Body):
    """The version of a document that is in force."""

    id: str
    version: str
    effective_from: date
    title: str
    text: str
    scopes: tuple[ScopeView, ...]

    @classmethod
    def of(cls, document: Document) -> Self:
        """Return the view of a document."""
        scopes = tuple(ScopeView(**scope.model_dump()) for scope in document.scopes)
        return cls(**{**{name: getattr(document, name) for name in cls.model_fields}, "scopes": scopes})


class ConsentStudentView(Body):
    """For whom a consent was given; the name is masked, and null where it cannot be read."""

    id: UUID
    name: Sensitive | None


class ConsentView(Body):
    """A consent; it stands while `withdrawn_at` is null and its version in force."""

    id: UUID
    document: str
    version: str
    scope: str
    capacity: Capacity
    student: ConsentStudentView | None
    given_at: datetime
    withdrawn_at: datetime | None

    @classmethod
    def of(cls, consent: Consent) -> Self:
        """Return the view of a row that was fetched with its student."""
        student = consent.student
        return cls(
            id=consent.id,
            document=consent.document,
            version=consent.document_version,
            scope=consent.scope,
            capacity=consent.capacity,
            student=ConsentStudentView(id=student.id, name=if_readable(name_of, student)) if student else None,
            given_at=consent.given_at,
            withdrawn_at=consent.withdrawn_at,
        )


async def _again(_request: Request, consent_id: str) -> HTTPResponse:
    return _given(await service.consent(UUID(consent_id)))


@consents.get("/consent-documents")
@allow(Access.PUBLIC)
@query(Paged)
@answers(200, ListView[DocumentView])
async def documents(request: Request, query: Paged) -> HTTPResponse:
    """List what may be consented to today, in full."""
    today = clock.today()
    found = [DocumentView.of(document) for document in request.app.ctx.consent_documents.on(today)]
    return listed(request, ("consent-documents", today), query, found, lambda document: document.id)


@consents.get("/me/consents")
@allow(Access.SIGNED_IN)
@query(Paged)
@answers(200, ListView[ConsentView])
async def mine(request: Request, query: Paged) -> HTTPResponse:
    """List to what one consented, withdrawn or not, the newest first."""
    found = await service.of_person(request.ctx.caller.person_id, query.limit, query.cursor)
    return paged(found, ConsentView.of)


@consents.post("/me/consents")
@allow(Access.SIGNED_IN)
@idempotent(_again)
@body(NewConsent)
@answers(201, ConsentView)
async def give(request: Request, body: NewConsent) -> HTTPResponse:
    """Consent, for oneself from 14 on, or as the guardian of someone under 18."""
    wanted = Wanted(body.document, body.version, body.scope, body.student)
    return _given(await service.give(request.ctx.caller.person_id, wanted, request.app.ctx.consent_documents))


@consents.delete("/me/consents/<consent_id:uuid>")
@allow(own(), owner=owners.consent)
@answers(204)
async def withdraw(_request: Request, consent_id: UUID) -> HTTPResponse:
    """Withdraw a consent; what was done under it stays lawful."""
    await service.withdraw(consent_id)
    return HTTPResponse(status=204)


def _given(consent: Consent) -> FixedResponse:
    return made(answer(ConsentView.of(consent), 201), str(consent.id))
