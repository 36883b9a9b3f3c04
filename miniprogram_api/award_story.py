"""What awards wait for, and the whole story of one, to read and to print."""

from datetime import datetime
from typing import Self
from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api import story_page
from miniprogram_api.fund_views import FundName
from miniprogram_api.me import PAGE_HEADERS
from miniprogram_api.reading import Body
from miniprogram_api.representation import HTML
from miniprogram_api.shelf import BOTH, wants_page
from miniprogram_api.story_views import StoryView
from miniprogram_api.web import Face, allow, answer, answers
from miniprogram_api.words import Words
from server.access import owners
from server.access.rules import own
from server.kernel import clock
from server.organisations.roles import STAFF, Role
from server.statements import story, waiting
from server.statements.waiting import Turn, Waiting, Waits

award_story = Face("award_story", url_prefix="/awards")


class WaitingView(Body):
    """So many awards of a programme that wait for the same, `text` in words; `turn` says whose turn it is.

    `fund` is null where none pays the programme. `since` is when the oldest came to wait, `days` how long ago.
    """

    waits_for: Waits
    text: str
    turn: Turn
    turn_text: str
    programme: str
    fund: FundName | None
    count: int
    amount_fen: int
    since: datetime
    days: int

    @classmethod
    def of(cls, one: Waiting, words: Words) -> Self:
        """Return the view of a group."""
        return cls(
            waits_for=one.waits,
            text=words.waits[one.waits],
            turn=one.turn,
            turn_text=words.turns[one.turn],
            programme=one.programme,
            fund=FundName.of(one.fund) if one.fund else None,
            count=one.count,
            amount_fen=one.fen,
            since=one.since,
            days=(clock.now() - one.since).days,
        )


class AllWaitingView(Body):
    """All that waits, those first that have waited for longest."""

    items: list[WaitingView]


@award_story.get("/waiting")
@allow(*STAFF)
@answers(200, AllWaitingView)
async def waits(request: Request) -> HTTPResponse:
    """Tell what awards and clawbacks wait for, whose turn it is, of which fund, and since when."""
    words: Words = request.app.ctx.words
    return answer(AllWaitingView(items=[WaitingView.of(one, words) for one in await waiting.waiting()]))


@award_story.get("/<award_id:uuid>/story")
@allow(own(Role.CLERK), *STAFF, owner=owners.award)
@answers(200, StoryView, *BOTH)
async def told(request: Request, award_id: UUID) -> HTTPResponse:
    """Tell one award's whole story from rule to receipt, as JSON or as a page that prints on A4."""
    staff = request.ctx.caller.of_secretariat
    view = StoryView.of(await story.story(award_id, staff=staff), request.app.ctx.words, clock.now(), staff=staff)
    if wants_page(request):
        return HTTPResponse(story_page.page(view, request.app.ctx.words), 200, PAGE_HEADERS, HTML)
    return answer(view)
