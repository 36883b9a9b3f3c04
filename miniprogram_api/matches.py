"""The best matches of a posting, with their reasons in words."""

from typing import Self
from uuid import UUID

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.people import OrganisationName
from miniprogram_api.posting_lists import PostingCardView
from miniprogram_api.postings import OWN
from miniprogram_api.reading import Body, Query
from miniprogram_api.web import Face, allow, answer, answers, query
from server.access import owners
from server.engagements.matching import service
from server.engagements.matching.service import Match, Matches
from server.labour import service as labour
from server.labour.models import Posting
from server.organisations.roles import STAFF

matches = Face("matches", url_prefix="/postings")
USUAL, MOST = 20, 50
_MOMENTS = ("state_since", "submitted_at", "published_at")


class MatchQuery(Query):
    """How many at most."""

    limit: int = Field(USUAL, ge=1, le=MOST)


class MatchView(Body):
    """A posting of the other side, as lists show it; `score` is how well it suits, 0 to 100, `reasons` why."""

    posting: PostingCardView
    score: int
    reasons: list[str]

    @classmethod
    def of(cls, match: Match) -> Self:
        """Return the view of a match."""
        return cls(posting=_card(match.posting, match.metres), score=match.score, reasons=match.reasons)


class MatchesView(Body):
    """The best matches first, of those alike the newest; `searches_answered` is how many kept searches it answers."""

    items: list[MatchView]
    searches_answered: int

    @classmethod
    def of(cls, found: Matches) -> Self:
        """Return the view of what was found."""
        return cls(items=[MatchView.of(match) for match in found.items], searches_answered=found.searches)


@matches.get("/<posting_id:uuid>/matches")
@allow(*OWN, *STAFF, owner=owners.posting)
@query(MatchQuery)
@answers(200, MatchesView)
async def best(request: Request, posting_id: UUID, query: MatchQuery) -> HTTPResponse:
    """Show which offers suit a demand best, or which demands an offer; what its poster has dealt with is left out."""
    context, posting = request.app.ctx, await labour.posting(posting_id)
    return answer(MatchesView.of(await service.matches(posting, context.matching, context.reference, query.limit)))


def _card(posting: Posting, metres: int | None) -> PostingCardView:
    """Return a posting that was fetched with its organisation as lists show it, moments to the second."""
    names = PostingCardView.model_fields.keys() - {"organisation", "distance_m"}
    said = {name: getattr(posting, name) for name in names}
    said |= {name: said[name] and said[name].replace(microsecond=0) for name in _MOMENTS}
    organisation = OrganisationName.of(posting.organisation) if posting.organisation else None
    return PostingCardView(organisation=organisation, distance_m=metres, **said)
