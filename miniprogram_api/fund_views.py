"""Funds and the papers that make them payable, as staff see and say them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from miniprogram_api.listing import Columns, Table
from miniprogram_api.reading import IMPERSONAL, Body, Day, Form, Query
from miniprogram_api.tables import Exportable
from server.awards import book as programmes
from server.funds.filing import NewPaper
from server.funds.models import Fund, FundPaper, PaperKind
from server.kernel import paging
from server.organisations.models import Organisation
from server.policy.book import PolicyBook

_PRINTED = r"^[^\x00-\x1f\x7f]*$"
Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_PRINTED), IMPERSONAL
]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_PRINTED), IMPERSONAL
]
MaybeLine = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100, pattern=_PRINTED), IMPERSONAL]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z0-9./-]+$")]


class NewFundBody(Body):
    """A fund: its name, the clause it stands on, and the programmes it pays, each of which no other fund pays."""

    name: Line
    clause: Annotated[Id, Field(max_length=32, examples=["aq-2024-91/s2"])]
    programmes: Annotated[tuple[Id, ...], Field(min_length=1, max_length=50, examples=[["feeder-referral"]])]


class FundChange(Body):
    """What is to be said of a fund instead; what is left out stays. A programme leaves only while nothing is paid."""

    name: Line | None = None
    clause: Annotated[Id, Field(max_length=32)] | None = None
    programmes: Annotated[tuple[Id, ...], Field(min_length=1, max_length=50)] | None = None


class FundName(Body):
    """A fund, as far as something names it."""

    id: UUID
    name: str

    @classmethod
    def of(cls, fund: Fund) -> Self:
        """Return the view of a fund."""
        return cls(id=fund.id, name=fund.name)


class FundView(Body):
    """A fund; `clause_label` is how its clause is cited, `version` is the ETag."""

    id: UUID
    name: str
    clause: str
    clause_label: str
    programmes: list[str]
    version: int
    created_at: datetime

    @classmethod
    def of(cls, fund: Fund, book: PolicyBook) -> Self:
        """Return the view of a row."""
        same = {name: getattr(fund, name) for name in cls.model_fields if hasattr(fund, name)}
        return cls(**same, clause_label=book.label(fund.clause))


class FundsQuery(Exportable):
    """Of all funds; they are few, and come together unless fewer are asked for."""

    limit: int = Field(paging.LIMIT_MAX, ge=1, le=paging.LIMIT_MAX)


_COLUMNS: Columns[FundView] = (
    ("资金渠道", lambda one: one.name),
    ("依据", lambda one: one.clause_label),
    ("项目", lambda one: "、".join(map(programmes.title, one.programmes))),
    ("设立时间", lambda one: one.created_at),
)
TABLE = Table("funds", "资金渠道", _COLUMNS)


class PaperForm(Form):
    """What a paper says, beside its scan.

    `payer`, a verified authority, goes with the paper on who pays, and `year`, the entry year, with a recognition.
    """

    kind: PaperKind
    title: Title
    number: MaybeLine = ""
    issuer: Line
    issued_on: Day
    valid_to: Day | None = None
    payer: UUID | None = None
    year: int | None = None

    def paper(self, by: UUID) -> NewPaper:
        """Return it as the service takes it."""
        same = {name: getattr(self, name) for name in NewPaper.__slots__ if name in type(self).model_fields}
        return NewPaper(**same, payer_id=self.payer, put_by_id=by)


class BasisQuery(Query):
    """Of which entry year; left out: of this one."""

    year: Annotated[int, Field(ge=2000, le=2100)] | None = None


class PayerView(Body):
    """The body that really pays."""

    id: UUID
    name: str

    @classmethod
    def of(cls, payer: Organisation | None) -> Self | None:
        """Return the view of a row, None for none."""
        return cls(id=payer.id, name=payer.name) if payer else None


class PaperView(Body):
    """One paper on file; `replaced_at` says since when a newer one has taken its place, or it is off."""

    id: UUID
    kind: PaperKind
    year: int | None
    title: str
    number: str
    issuer: str
    issued_on: date
    valid_to: date | None
    payer: PayerView | None
    put_by: UUID
    put_at: datetime
    replaced_at: datetime | None

    @classmethod
    def of(cls, paper: FundPaper) -> Self:
        """Return the view of a row that was fetched with its payer."""
        named = {"payer", "put_by"}
        same = {name: getattr(paper, name) for name in cls.model_fields.keys() - named}
        return cls(**same, payer=PayerView.of(paper.payer), put_by=paper.put_by_id)


class BasisView(Body):
    """What is on file for a fund: `missing` is what the awards of the entry year lack, and they are `payable` without.

    `papers` are those that count, `history` is every one that was ever put, the newest first.
    """

    year: int
    payable: bool
    missing: list[PaperKind]
    papers: list[PaperView]
    history: list[PaperView]

    @classmethod
    def of(cls, year: int, missing: Sequence[PaperKind], history: Sequence[FundPaper]) -> Self:
        """Return the view of a fund's papers, the newest first, each fetched with its payer."""
        views = [PaperView.of(paper) for paper in history]
        current = [view for view in views if view.replaced_at is None]
        return cls(year=year, payable=not missing, missing=list(missing), papers=current, history=views)
