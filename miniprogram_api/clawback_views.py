"""Clawbacks as they are sent and shown."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from miniprogram_api.listing import Columns, Table
from miniprogram_api.people import Reason
from miniprogram_api.reading import IMPERSONAL, Body
from miniprogram_api.referrals import SchoolView
from miniprogram_api.tables import Exportable
from miniprogram_api.words import Words
from server.awards import book, contesting, owing
from server.awards.clawback_options import Deed
from server.awards.contesting import Verdict
from server.awards.models import Clawback, ClawbackState, ContestState
from server.kernel.money import yuan_text

Fen = Annotated[int, Field(ge=1, le=10_000_000_000)]


class NewClawback(Reason):
    """How many fen of a paid award are claimed back, null for all that the payee still has of it, and why."""

    amount_fen: Fen | None = None


class Recovery(Body):
    """How many fen came back, and by what."""

    amount_fen: Fen
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), IMPERSONAL] = ""


class Contest(Body):
    """Why the payee says that this is wrong."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000), IMPERSONAL]


class ContestDecision(Reason):
    """What comes of the payee's word, and why."""

    verdict: Verdict


class ClawbackQuery(Exportable):
    """Which clawbacks; `payee` is a school."""

    state: ClawbackState | None = None
    payee: UUID | None = None


class ClawbackView(Body):
    """The claiming back of an award, or of a part of it.

    `subject` is the number of the referral, or the matter.
    `owed_fen` is what neither came back nor was given up nor is to be kept back (`offsetting_fen`) by a statement that
    is on its way. `contest_until` is the last day on which the payee may contest it, null before the demand.
    `requested_by` and `approved_by` the secretariat alone sees; the first is null where the question came up by itself
    and nobody has taken it up: then `reason` is a code, which `reason_text` says in Chinese. `may` is what the caller
    may do with it now, empty in a story. `version` counts writes and is the ETag.
    """

    id: UUID
    award: UUID
    subject: str
    programme: str
    year: int
    payee: SchoolView
    amount_fen: int
    recovered_fen: int
    offset_fen: int
    written_off_fen: int
    offsetting_fen: int
    owed_fen: int
    state: ClawbackState
    reason: str
    reason_text: str
    requested_by: UUID | None
    approved_by: UUID | None
    demanded_at: datetime | None
    contest: ContestState
    contest_reason: str
    contest_until: date | None
    created_at: datetime
    state_since: datetime
    may: list[Deed]
    version: int

    @classmethod
    def of(cls, row: Clawback, words: Words, may: Sequence[Deed] = (), *, staff: bool) -> Self:
        """Return the view of a row that was fetched with award and payee, and what its reader may do with it."""
        more: dict[str, Any] = {
            "award": row.award_id,
            "subject": row.award.referral.number if row.award.referral else row.award.matter,
            "programme": row.award.programme,
            "year": row.award.year,
            "payee": SchoolView.of(row.payee),
            "reason_text": words.doubts.get(row.reason, row.reason),
            "owed_fen": owing.owed(row) if row.state in owing.GOING_ON else 0,
            "requested_by": row.requested_by_id if staff else None,
            "approved_by": row.approved_by_id if staff else None,
            "may": list(may),
            "contest_until": contesting.contest_until(row),
        }
        return cls(**more, **{name: getattr(row, name) for name in cls.model_fields if name not in more})


def table(words: Words) -> Table[ClawbackView]:
    """Return a list of clawbacks as a file."""
    columns: Columns[ClawbackView] = (
        ("登记编号或事项", lambda one: one.subject),
        ("学校", lambda one: one.payee.name),
        ("年度", lambda one: one.year),
        ("项目", lambda one: book.title(one.programme)),
        ("追回金额（元）", lambda one: yuan_text(one.amount_fen)),
        ("尚欠（元）", lambda one: yuan_text(one.owed_fen)),
        ("已收回（元）", lambda one: yuan_text(one.recovered_fen)),
        ("正在抵扣（元）", lambda one: yuan_text(one.offsetting_fen)),
        ("已抵扣（元）", lambda one: yuan_text(one.offset_fen)),
        ("已核销（元）", lambda one: yuan_text(one.written_off_fen)),
        ("状态", lambda one: words.clawback_states[one.state]),
        ("异议", lambda one: words.clawback_contests[one.contest]),
        ("理由", lambda one: one.reason_text),
        ("通知学校", lambda one: one.demanded_at),
        ("状态起于", lambda one: one.state_since),
    )
    return Table("clawbacks", "奖补追回", columns)
