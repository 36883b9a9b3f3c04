"""What the view of an engagement is made of."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from miniprogram_api.people import OrganisationName
from miniprogram_api.reading import Body
from server.labour.models import PayUnit, Posting, PostingKind, PostingState, Supplier


class EngagedPostingView(Body):
    """The demand that an engagement is on."""

    id: UUID
    kind: PostingKind
    title: str
    organisation: OrganisationName | None
    region: str | None
    address: str
    starts_on: date | None
    ends_on: date | None
    hours: dict[str, Any]
    pay_fen: int | None
    pay_unit: PayUnit | None
    headcount: int | None
    filled: int
    state: PostingState

    @classmethod
    def of(cls, row: Posting) -> Self:
        """Return the view of a row that was fetched with its organisation."""
        organisation = OrganisationName.of(row.organisation) if row.organisation else None
        named = {name: getattr(row, name) for name in cls.model_fields.keys() - {"organisation"}}
        return cls(organisation=organisation, **named)


class SuppliedView(Body):
    """The offer that an engagement came from."""

    id: UUID
    title: str
    supplier: Supplier


class ReachView(Body):
    """Whom to ask for, by what number, in full."""

    name: str
    phone: str


class WorkerView(Body):
    """Who takes the place. The name is in full to the poster once both agreed, and masked before and to staff.

    Of a person whom the poster asked it has nothing until they say yes. `school` and `ages` are told where that was
    consented to; of a class there is the school alone.
    """

    name: str | None
    school: str | None
    ages: str | None


class SaidView(Body):
    """What one side said of the work or the pay, and when."""

    at: datetime
    minutes: int | None
    fen: int | None

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """Return the view of what lies in a row."""
        return cls(at=datetime.fromisoformat(said["at"]), minutes=said.get("minutes"), fen=said.get("fen"))


class NextView(Body):
    """What to do next, in words, and what one may do now, as the last part of the address has it."""

    text: str
    verbs: tuple[str, ...]
