"""Our server with one read behind two doors: for anyone, and for the signed in."""

import os

from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.representation import fresh
from miniprogram_api.web import Face, allow, answers
from server import app
from server.kernel import clock, log
from server.kernel.jobs.models import Job
from server.settings import Settings

ROWS, PAGE_ROWS = 200, 20
doors = Face("doors", url_prefix="/doors")


@doors.post("/rows")
@allow(Access.PUBLIC)
@answers(204)
async def fill(_request: Request) -> HTTPResponse:
    """Make the rows that the page reads."""
    now = clock.now()
    await Job.bulk_create([Job(kind="bench", payload={}, created_at=now) for _ in range(ROWS)])
    return HTTPResponse(status=204)


async def _page() -> HTTPResponse:
    """Read the newest rows as a list does: one query, one JSON."""
    rows = await Job.all().order_by("-created_at", "-id").limit(PAGE_ROWS)
    items = ",".join(f'{{"id":"{row.id}","kind":"{row.kind}"}}' for row in rows)
    return fresh(f'{{"items":[{items}]}}'.encode(), 200)


@doors.get("/open/page")
@allow(Access.PUBLIC)
@answers(200)
async def open_page(_request: Request) -> HTTPResponse:
    """Show a page of rows to anyone."""
    return await _page()


@doors.get("/signed/page")
@allow(Access.SIGNED_IN)
@answers(200)
async def signed_page(_request: Request) -> HTTPResponse:
    """Show the same page to the signed in."""
    return await _page()


@doors.get("/open/word")
@allow(Access.PUBLIC)
@answers(200)
async def open_word(_request: Request) -> HTTPResponse:
    """Answer at once, to anyone."""
    return fresh(b'{"word":"yes"}', 200)


@doors.get("/signed/word")
@allow(Access.SIGNED_IN)
@answers(200)
async def signed_word(_request: Request) -> HTTPResponse:
    """Answer at once, to the signed in."""
    return fresh(b'{"word":"yes"}', 200)


if __name__ == "__main__":
    settings = Settings.from_env(os.environ)
    log.configure(settings.log_level)
    app.serve(app.build(settings, extra_faces=[doors]))
