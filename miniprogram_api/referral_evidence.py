"""What schools put forward for their claims in a dispute: each sees its own, reviewers see all."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints
from sanic import HTTPResponse, Request

from miniprogram_api import scans
from miniprogram_api.idempotent import made
from miniprogram_api.reading import IMPERSONAL, Body, Form, Paged
from miniprogram_api.referrals import CLERK
from miniprogram_api.representation import FixedResponse
from miniprogram_api.scans import SCAN_BYTES, SCAN_MEDIA
from miniprogram_api.shelf import ListView, paged
from miniprogram_api.web import Face, allow, answer, answers, first, form, idempotent, query
from server.access import owners
from server.access.rules import Caller
from server.kernel.errors import FieldFault, invalid
from server.organisations.roles import Kind, Role
from server.referrals import evidence, holding
from server.referrals.models import Evidence

referral_evidence = Face("referral_evidence", url_prefix="/referrals")
TRIES, SECONDS = 60, 3600


class NewEvidence(Form):
    """What is put forward beside a picture, or instead of one."""

    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000), IMPERSONAL] = ""


class EvidenceView(Body):
    """One thing put forward for a claim: a note, which may be empty, and whether there is a picture."""

    id: UUID
    note: Annotated[str, Field(examples=["附上本校的升学志愿表照片"])]
    has_scan: bool
    created_at: datetime

    @classmethod
    def of(cls, row: Evidence) -> Self:
        """Return the view of a row."""
        return cls(id=row.id, note=row.note, has_scan=row.scan_id is not None, created_at=row.created_at)


def _shown(row: Evidence) -> FixedResponse:
    return made(answer(EvidenceView.of(row), 201), str(row.id))


async def _added_again(request: Request, evidence_id: str) -> HTTPResponse:
    if request.ctx.scan_id:  # sent once more, kept once
        await request.app.ctx.files.delete(request.ctx.scan_id)
    return _shown(await evidence.one(request.match_info["referral_id"], UUID(evidence_id)))


async def _keep_picture(request: Request, referral_id: UUID, body: NewEvidence, file: bytes | None) -> None:
    """Keep the picture of the form before the transaction that names it."""
    ctx, sent = request.app.ctx, request.ctx
    if not file and not body.note:
        raise invalid(FieldFault("/note", "evidence_missing"))
    sent.scan_id = None
    async with ctx.limits.counted("evidence", str(sent.caller.person_id), TRIES, SECONDS):
        if file:
            await evidence.require_open(referral_id)
            sent.scan_id = await evidence.keep_scan(file, ctx.scans, ctx.files)


@referral_evidence.post("/<referral_id:uuid>/evidence", stream=True)
@allow(CLERK, owner=owners.referral)
@idempotent(_added_again)
@form(NewEvidence, SCAN_BYTES, *SCAN_MEDIA, required=False)
@first(_keep_picture)
@answers(201, EvidenceView)
async def add(request: Request, referral_id: UUID, body: NewEvidence, file: bytes | None) -> HTTPResponse:  # noqa: ARG001
    """Put a note forward for a claim in dispute, or a picture (JPEG or PNG, up to 5 MB), or both."""
    by = request.ctx.caller.person_id
    return _shown(await evidence.add(referral_id, body.note, request.ctx.scan_id, by=by))


@referral_evidence.get("/<referral_id:uuid>/evidence")
@allow(CLERK, Role.REVIEWER, owner=owners.referral)
@query(Paged)
@answers(200, ListView[EvidenceView])
async def index(request: Request, referral_id: UUID, query: Paged) -> HTTPResponse:
    """List what was put forward for a claim, the oldest first. Reviewers who look are noted."""
    looks = await _from_outside(request.ctx.caller, referral_id)
    found = await evidence.listed(referral_id, query.limit, query.cursor, by=looks)
    return paged(found, EvidenceView.of)


@referral_evidence.get("/<referral_id:uuid>/evidence/<evidence_id:uuid>")
@allow(CLERK, Role.REVIEWER, owner=owners.referral)
@answers(200, EvidenceView, "application/json", "image/jpeg")
async def one(request: Request, referral_id: UUID, evidence_id: UUID) -> HTTPResponse:
    """Show the picture that was put forward, or the note where there is none. Reviewers who look are noted."""
    looks = await _from_outside(request.ctx.caller, referral_id)
    row = await evidence.one(referral_id, evidence_id)
    picture = await evidence.picture(row, request.app.ctx.files, by=looks)
    return scans.shown(picture) if picture else answer(EvidenceView.of(row))


async def _from_outside(caller: Caller, referral_id: UUID) -> UUID | None:
    """Return who looks without acting for the claim's school, None for its own people."""
    school_id = (await holding.referral(referral_id)).school_id
    acts_for = {post.organisation_id for post in caller.stands_for if post.kind is Kind.FEEDER_SCHOOL}
    return None if school_id in acts_for else caller.person_id
