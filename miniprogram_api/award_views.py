"""What is said of awards: nobody's name in full, and to a school nothing but its own."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from miniprogram_api.fund_views import FundName
from miniprogram_api.reading import Body
from miniprogram_api.referrals import SchoolView
from server.access.rules import Caller
from server.awards import options
from server.awards.models import Award, AwardState, SecondCheck
from server.awards.options import Deed
from server.kernel.sensitive import Sensitive, if_readable
from server.organisations.roles import Kind, Role
from server.policy.facts import Value
from server.referrals import sealed
from server.students import sealed as students

ESTIMATED = frozenset({AwardState.PROPOSED, AwardState.REVIEWED, AwardState.PUBLICISED})
"""Until it is approved, what is computed is an estimate."""


_DECIDING = frozenset({Role.REVIEWER, Role.APPROVER, Role.FINANCE})


class AwardedStudentView(Body):
    """The student of an award, masked, by the name in the claim; null where that cannot be read."""

    id: UUID
    name: Sensitive | None


class CheckView(Body):
    """A condition held against the facts."""

    fact: str
    got: Value | None
    ok: bool | None
    clause: str


class VerdictView(Body):
    """What the rules said: `version` is that of the programme, null where none was sure to govern."""

    version: str | None
    verdict: str
    checks: list[CheckView]
    warnings: list[str]


class AwardView(Body):
    """An award; the student is masked.

    `referral` is the number of the claim, `estimate` is true until it is approved, `held_from` is where a held one
    returns to, `failure` why the last payment failed, `may` what the caller may do with it now. Before staff alone
    stand `doubt`, what came up after it could not be held any more, `exception`, why it stands beside another one,
    `sample`, the draw that covered it, and `second_check`, whether it was drawn and what came of that.
    `version` counts writes and is the ETag.
    """

    id: UUID
    referral: str | None
    programme: str
    year: int
    matter: str
    amount_fen: int
    estimate: bool
    state: AwardState
    held_from: AwardState | None
    payee: SchoolView
    student: AwardedStudentView | None
    entered_on: date
    rule_version: str
    facts: dict[str, Value]
    verdict: VerdictView
    fund: FundName | None
    publication: UUID | None
    sample: UUID | None
    second_check: SecondCheck | None
    statement: UUID | None
    failure: str
    queued_at: datetime | None
    doubt: str | None
    exception: str | None
    created_at: datetime
    state_since: datetime
    may: list[Deed]
    version: int


class Eyes:
    """Whose eyes awards are shown to: what they are told of each, and what they may do with it."""

    def __init__(self, caller: Caller, may: Mapping[UUID, Sequence[Deed]]) -> None:
        self._staff = bool(_roles(caller))
        self._may = may

    @classmethod
    async def of(cls, caller: Caller, awards: Sequence[Award]) -> Self:
        """Return a caller's eyes for some awards; a settled number of statements, none for who decides nothing."""
        roles = _roles(caller)
        return cls(caller, await options.open_to(awards, caller.person_id, roles) if roles & _DECIDING else {})

    def see(self, row: Award) -> AwardView:
        """Return the view of a row that came with what it is shown with."""
        said: dict[str, Any] = {
            "referral": row.referral and row.referral.number,
            "estimate": (row.held_from if row.state is AwardState.HELD else row.state) in ESTIMATED,
            "payee": SchoolView.of(row.payee),
            "student": _student(row),
            "verdict": VerdictView.model_validate(row.verdict),
            "fund": row.fund and FundName.of(row.fund),
            "publication": row.publication_id,
            "statement": row.statement_id,
            "sample": row.sample_id if self._staff else None,
            "second_check": row.second_check if self._staff else None,
            "doubt": row.doubt if self._staff else None,
            "exception": row.exception_reason if self._staff else None,
            "may": list(self._may.get(row.id, ())),
        }
        return AwardView(**said, **{name: getattr(row, name) for name in AwardView.model_fields if name not in said})


def _roles(caller: Caller) -> frozenset[Role]:
    return frozenset(post.role for post in caller.posts if post.kind is Kind.SECRETARIAT)


def _student(row: Award) -> AwardedStudentView | None:
    if row.student is None:
        return None
    claim, student = row.referral, row.student
    name = if_readable(sealed.name_of, claim) if claim else if_readable(students.name_of, student)
    return AwardedStudentView(id=row.student.id, name=name)
