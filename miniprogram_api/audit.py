"""The audit of one subject."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.problem import Problems
from miniprogram_api.reading import Body
from miniprogram_api.shelf import ListView
from miniprogram_api.tables import MEDIA, Exportable
from miniprogram_api.web import Face, allow, answers, query
from miniprogram_api.words import Words
from server.kernel import audit as kernel
from server.kernel.audit import AuditEntry
from server.organisations.roles import Role

audit = Face("audit", url_prefix="/audit")


class AuditQuery(Exportable):
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


def _entries(words: Words, problems: Problems) -> Table[EntryView]:
    columns: Columns[EntryView] = (
        ("时间", lambda one: one.made_at),
        ("对象", lambda one: one.subject),
        ("事项", lambda one: words.acts.get(one.action, one.action)),
        ("之前", lambda one: one.before),
        ("之后", lambda one: one.after),
        ("涉及的内容", lambda one: "、".join(map(problems.called, one.fields))),
        ("理由", lambda one: one.reason),
        ("经办人编号", lambda one: one.actor_id),
    )
    return Table("audit", "操作记录", columns)


@audit.get("/")
@allow(Role.REVIEWER, Role.ADMIN)
@query(AuditQuery)
@answers(200, ListView[EntryView], *MEDIA)
async def entries(request: Request, query: AuditQuery) -> HTTPResponse:
    """List what was done to one thing, by whom and why, the newest first."""
    table = _entries(request.app.ctx.words, request.app.ctx.problems)
    return await listed(
        request, query, table, lambda limit, cursor: kernel.entries(query.subject, limit, cursor), EntryView.of
    )
