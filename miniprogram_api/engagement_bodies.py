"""What clients say of places on a demand."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from miniprogram_api.people import Reason
from miniprogram_api.reading import IMPERSONAL, Body, Paged
from miniprogram_api.tables import Exportable
from server.engagements.contests import Verdict
from server.engagements.models import ContestState, EngagementState

MOST_MINUTES = 366 * 24 * 60
MOST_FEN = 2_000_000_000
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), IMPERSONAL]


class Application(Body):
    """For how many places, and with which offer of one's own; a team or a class names its offer."""

    size: Annotated[int, Field(ge=1, le=MOST_FEN)] = 1
    supply: Annotated[UUID | None, Field(strict=False)] = None


class Offer(Body):
    """To whom a place is offered: an offer of hands that is live."""

    supply: Annotated[UUID, Field(strict=False)]


class Nothing(Body):
    """Nothing need be said."""


class Why(Body):
    """Why, in words that name nobody; they are kept for good and shown to the other side."""

    reason: Words = ""


class Done(Body):
    """How many minutes were worked, where that is known."""

    minutes: Annotated[int | None, Field(ge=0, le=MOST_MINUTES)] = None


class Paid(Body):
    """How much was paid in all, in fen, where it is to be said."""

    fen: Annotated[int | None, Field(ge=0, le=MOST_FEN)] = None


class ContestDecision(Reason):
    """Whether what one side said of the other stands, or is lifted."""

    verdict: Verdict


class OwnQuery(Paged):
    """Which of one's own engagements."""

    state: EngagementState | None = None


class PlacesQuery(Exportable):
    """Which engagements of a posting."""

    state: EngagementState | None = None


class EngagementQuery(Exportable):
    """Which engagements; `contest=open` are those that wait for a decision."""

    state: EngagementState | None = None
    contest: ContestState | None = None
