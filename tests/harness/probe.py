"""Routes that exercise what every later capability stands on. Run as a module, it serves them beside the real ones.

They write rows of the outbox, which is there anyway, so the product's schema needs nothing for its tests.
"""

import asyncio
import os
from collections.abc import Mapping
from typing import Any, cast
from unittest.mock import patch
from uuid import UUID

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.idempotent import made
from miniprogram_api.reading import Body, Form, Paged
from miniprogram_api.web import Face, allow, answer, answers, body, first, form, idempotent, query
from server import app
from server.kernel import clock, log, outbox
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.jobs import queue, worker
from server.kernel.jobs.schedules import Scheduler
from server.kernel.outbox import Event
from server.kernel.paging import Sort, page
from server.kernel.transactions import transaction
from server.settings import Settings

probe = Face("probe", url_prefix="/probe")


class NewNote(Body):
    """What a note says, how long its transaction takes, and whether it fails at the end."""

    text: str = Field(min_length=1, max_length=20)
    seconds: float = Field(0, ge=0, le=5)
    fail: bool = False


class NoteView(Body):
    """One note."""

    id: UUID
    text: str


class NotesView(Body):
    """One page of notes."""

    items: list[NoteView]
    next_cursor: str | None


def view(event: Event) -> NoteView:
    return NoteView(id=event.id, text=event.subject)


@transaction
async def write(note: NewNote) -> Event:
    event = await outbox.record("probe.noted", note.text)
    await asyncio.sleep(note.seconds)
    if note.fail:
        raise DomainError("invalid", 422)
    return event


async def again(_request: Request, subject_id: str) -> HTTPResponse:
    return answer(view(await Event.get(id=subject_id)), 201)


@probe.post("/notes")
@allow(Access.OPERATOR)
@idempotent(again)
@body(NewNote)
@answers(201, NoteView)
async def make(_request: Request, body: NewNote) -> HTTPResponse:
    """Write a note."""
    event = await write(body)
    return made(answer(view(event), 201), str(event.id))


@probe.get("/notes")
@allow(Access.PUBLIC)
@query(Paged)
@answers(200, NotesView)
async def notes(_request: Request, query: Paged) -> HTTPResponse:
    """List notes, the newest first."""
    found = await page(Event.all(), Sort("created_at"), query.limit, query.cursor)
    return answer(NotesView(items=[view(event) for event in found.items], next_cursor=found.next_cursor))


class NewWork(Body):
    """How many jobs of which kind."""

    number: int = Field(ge=1, le=1000)
    seconds: float = Field(0, ge=0)


@probe.post("/jobs")
@allow(Access.PUBLIC)
@body(NewWork)
@answers(204)
async def put(request: Request, body: NewWork) -> HTTPResponse:
    """Enqueue jobs, each of which writes one note named after itself."""
    for _ in range(body.number):
        payload = {"note": str(new_id()), "seconds": body.seconds}
        await queue.enqueue("probe", payload, wakeup=request.app.ctx.wakeup)
    return HTTPResponse(status=204)


@probe.post("/stream", stream=True)
@allow(Access.PUBLIC)
@answers(200, None, "text/plain")
async def stream(request: Request) -> HTTPResponse:
    """Count the bytes of a streamed body."""
    total = 0
    async for chunk in cast("Any", request.stream):
        total += len(chunk)
    return HTTPResponse(str(total), content_type="text/plain")


class NewPost(Form):
    """What comes with a file."""

    year: int = Field(ge=2000)
    note: str = Field("", max_length=20)


@probe.post("/forms", stream=True)
@allow(Access.PUBLIC)
@form(NewPost, 100_000, "image/png", required=False)
@answers(200, None, "text/plain")
async def sent(_request: Request, body: NewPost, file: bytes | None) -> HTTPResponse:
    """Say what came."""
    return HTTPResponse(f"{body.year} {body.note} {None if file is None else len(file)}", content_type="text/plain")


async def _seen(request: Request, body: NewPost, file: bytes) -> None:
    request.ctx.seen = (body, file)


@probe.post("/files", stream=True)
@allow(Access.PUBLIC)
@form(NewPost, 100_000, "image/png")
@first(_seen)
@answers(200, None, "text/plain")
async def filed(request: Request, body: NewPost, file: bytes) -> HTTPResponse:
    """Say whether what comes first saw the same."""
    return HTTPResponse(str(request.ctx.seen == (body, file)), content_type="text/plain")


@probe.get("/boom")
@allow(Access.PUBLIC)
@answers(200)
async def boom(_request: Request) -> HTTPResponse:
    """Fail with a message that must not get out."""
    raise RuntimeError("secret: 340802200901011234")


async def work(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write one note; slow work can be killed in the middle."""
    await asyncio.sleep(payload["seconds"])
    await outbox.record("probe.worked", payload["note"])
    return {"noted_at": clock.now().isoformat()}


HANDLERS = {"probe": work}


class Steady(Scheduler):
    """What comes round less often than each minute does so when the server starts, and not in the middle of a test."""

    async def tick(self) -> None:
        await super().tick()
        self._schedules = [one for one in self._schedules if one.cron == "* * * * *"]


if __name__ == "__main__":
    settings = Settings.from_env(os.environ)
    log.configure(settings.log_level)
    with patch.object(worker, "Scheduler", Steady):
        app.serve(app.build(settings, extra_faces=[probe], extra_handlers=HANDLERS))
