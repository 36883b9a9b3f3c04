"""What is sent about statements, as it is read."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from miniprogram_api.people import Reason
from miniprogram_api.reading import IMPERSONAL, Body
from miniprogram_api.tables import Exportable
from server.people.service import Decider
from server.statements import listing, opening
from server.statements.models import Receipt, StatementState
from server.statements.settling import Returned

MOST_NAMED = 1000
"""So many awards can be named one by one."""


class NewStatement(Body):
    """What a statement is to pay.

    Without `awards` all that there is, or what failed on the statement that it `follows`; `fund` is to be named where
    there are awards of several. `offsets` says whether what the payee owes is kept back.
    """

    payee: UUID
    fund: UUID | None = None
    awards: Annotated[list[UUID], Field(min_length=1, max_length=MOST_NAMED)] | None = None
    follows: UUID | None = None
    offsets: bool = True

    def wanted(self) -> opening.Wanted:
        """Return it as the service takes it."""
        return opening.Wanted(self.payee, self.fund, self.awards, self.follows, self.offsets)


class BankReturned(Reason):
    """Which payment the bank sent back, by its award or by the number of its row, and why."""

    award: UUID | None = None
    row: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.award is None) is (self.row is None):
            raise PydanticCustomError("award_or_row", "one of two")
        return self

    def which(self) -> Returned:
        """Return it as the service takes it."""
        return Returned(self.award, self.row)


class ReceiptSaid(Body):
    """Whether the money has come; where it has not, or not all of it, `note` says what is wrong."""

    verdict: Annotated[Receipt, Field(examples=["confirmed"])]
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), IMPERSONAL] = ""

    @model_validator(mode="after")
    def _says_what_is_wrong(self) -> Self:
        if self.verdict is Receipt.NONE:
            raise PydanticCustomError("receipt_verdict", "nothing said")
        if self.verdict is Receipt.DISPUTED and not self.note:
            raise PydanticCustomError("receipt_note", "nothing said")
        return self


class StatementQuery(Exportable):
    """Which statements; `year` is that of the budget."""

    payee: UUID | None = None
    fund: UUID | None = None
    state: StatementState | None = None
    year: Annotated[int, Field(ge=2000, le=2100)] | None = None

    def wanted(self) -> listing.Wanted:
        """Return it as the service takes it."""
        return listing.Wanted(self.payee, self.fund, self.state, self.year)


def decider(person_id: UUID, body: Reason) -> Decider:
    """Return who decides, and why."""
    return Decider(person_id, body.reason)
