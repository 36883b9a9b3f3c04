"""What somebody may be pushed: which templates to ask for at which tap, and what is left of each."""

from collections.abc import Iterable
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.reading import Body, Query
from miniprogram_api.web import Face, allow, answer, answers, body, query
from server.kernel.errors import FieldFault, invalid
from server.notices import permissions
from server.notices import subscriptions as service
from server.notices.permissions import Left
from server.notices.subscriptions import Asked

subscriptions = Face("subscriptions", url_prefix="/subscriptions")
MOST_AT_ONCE = 10
TemplateId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Said = Literal["accept", "reject", "ban", "filter"]


class SubscriptionQuery(Query):
    """`tap` is the act of the client at which it asks; without one, every template is listed."""

    tap: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,64}$")] | None = None


class Results(Body):
    """What somebody answered to `wx.requestSubscribeMessage`, by template."""

    results: Annotated[dict[TemplateId, Said], Field(min_length=1, max_length=MOST_AT_ONCE)]


class SubscriptionView(Body):
    """One template. `left` pushes may be sent; `expected` more were accepted, of which WeChat has not told us yet.

    Of a `long_term` one any number may be sent once it was accepted: then `unlimited`, and there is nothing to ask for.
    """

    name: str
    template_id: str
    long_term: bool
    taps: tuple[str, ...]
    left: int
    expected: int
    unlimited: bool


class SubscriptionsView(Body):
    """The templates, at a tap at most three."""

    items: tuple[SubscriptionView, ...]


@subscriptions.get("/")
@allow(Access.SIGNED_IN)
@query(SubscriptionQuery)
@answers(200, SubscriptionsView)
async def index(request: Request, query: SubscriptionQuery) -> HTTPResponse:
    """List the templates to ask for, at one tap or at all, and what one has left of each."""
    if query.tap and query.tap not in service.taps():
        raise invalid(FieldFault("?tap", "tap_unknown"))
    return answer(await _view(request.ctx.caller.person_id, service.asked_at(query.tap)))


@subscriptions.post("/")
@allow(Access.SIGNED_IN)
@body(Results)
@answers(200, SubscriptionsView)
async def note(request: Request, body: Results) -> HTTPResponse:
    """Say what one answered. WeChat's own word counts; until it comes, what was accepted is expected."""
    asked = {one.template_id: one for one in service.asked_at()}
    if unknown := [FieldFault(f"/results/{one}", "template_unknown") for one in body.results if one not in asked]:
        raise invalid(*unknown)
    accepted = [template_id for template_id, said in body.results.items() if said == "accept"]
    await permissions.hint(request.ctx.caller.person_id, accepted)
    return answer(await _view(request.ctx.caller.person_id, [asked[one] for one in body.results]))


async def _view(person_id: UUID, asked: Iterable[Asked]) -> SubscriptionsView:
    left = await permissions.left(person_id)
    return SubscriptionsView(items=tuple(_shown(one, left.get(one.template_id, Left())) for one in asked))


def _shown(one: Asked, left: Left) -> SubscriptionView:
    return SubscriptionView(
        name=one.name,
        template_id=one.template_id,
        long_term=one.long_term,
        taps=one.taps,
        left=left.left,
        expected=left.expected,
        unlimited=left.long_term,
    )
