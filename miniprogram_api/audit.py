"""The audit of one subject."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.reading import Body, Paged
from miniprogram_api.shelf import ListView, paged
from miniprogram_api.web import Face, allow, answers, query
from server.kernel import audit as kernel
from server.kernel.audit import AuditEntry
from server.organisations.roles import Role

audit = Face("audit", url_prefix="/audit")


class AuditQuery(Paged):
    """About what: `kind:id`."""

    subject: Annotated[str, Field(max_length=64, pattern=r"^[a-z_]+:[A-Za-z0-9_-]+$")]


class EntryView(Body):
    """One act; `actor_id` is null where the system acted, `fields` names what was seen or changed."""

    id: UUID
    subject: str
    action: str
    before: str
    after: str
    actor_id: UUID | None
    fields: list[str]
    reason: str
    made_at: datetime

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """Return the view of an entry."""
        return cls(**{name: getattr(entry, name) for name in cls.model_fields})


@audit.get("/")
@allow(Role.REVIEWER, Role.ADMIN)
@query(AuditQuery)
@answers(200, ListView[EntryView])
async def entries(_request: Request, query: AuditQuery) -> HTTPResponse:
    """List what was done to one thing, by whom and why, the newest first."""
    found = await kernel.entries(query.subject, query.limit, query.cursor)
    return paged(found, EntryView.of)
