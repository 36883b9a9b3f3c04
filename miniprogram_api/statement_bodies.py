"""What is sent about statements, as it is read."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from miniprogram_api.people import Reason
from miniprogram_api.reading import IMPERSONAL, Body
from miniprogram_api.tables import Exportable
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
    row: Annotated[int, Field(ge=1)] | None = Field(None, validate_default=True)

    @field_validator("row")
    @classmethod
    def _one_of_two(cls, row: int | None, others: ValidationInfo) -> int | None:
        if "award" in others.data and (others.data["award"] is None) is (row is None):
            raise PydanticCustomError("award_or_row", "one of two")
        return row

    def which(self) -> Returned:
        """Return it as the service takes it."""
        return Returned(self.award, self.row)


class ReceiptSaid(Body):
    """Whether the money has come; where it has not, or not all of it, `note` says what is wrong."""

    verdict: Annotated[Literal[Receipt.CONFIRMED, Receipt.DISPUTED], Field(examples=["confirmed"])]
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), IMPERSONAL] = Field(
        "", validate_default=True
    )

    @field_validator("note")
    @classmethod
    def _says_what_is_wrong(cls, note: str, others: ValidationInfo) -> str:
        if others.data.get("verdict") == Receipt.DISPUTED and not note:
            raise PydanticCustomError("receipt_note", "nothing said")
        return note


class StatementQuery(Exportable):
    """Which statements; `year` is that of the budget."""

    payee: UUID | None = None
    fund: UUID | None = None
    state: StatementState | None = None
    year: Annotated[int, Field(ge=2000, le=2100)] | None = None

    def wanted(self) -> listing.Wanted:
        """Return it as the service takes it."""
        return listing.Wanted(self.payee, self.fund, self.state, self.year)
