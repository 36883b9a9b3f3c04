"""What is said of awards: nobody's name in full, and to a school nothing but its own."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from miniprogram_api.reading import Body
from miniprogram_api.referrals import SchoolView
from server.access.rules import Caller
from server.awards import deciders, states
from server.awards.models import Award, AwardState, Part, RunKind, SecondCheck
from server.kernel.sensitive import Sensitive
from server.organisations.roles import Kind, Role
from server.policy.facts import Value
from server.referrals import sealed
from server.students import sealed as students

ESTIMATED = frozenset({AwardState.PROPOSED, AwardState.REVIEWED, AwardState.PUBLICISED})
"""Until it is approved, what is computed is an estimate."""


class AwardedStudentView(Body):
    """The student of an award, masked, by the name in the claim."""

    id: UUID
    name: Sensitive


class FundName(Body):
    """A fund, as far as an award names it."""

    id: UUID
    name: str


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
    stand `doubt`, what came up after it could not be held any more, and `exception`, why it stands beside another one.
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
    second_check: SecondCheck | None
    statement: UUID | None
    failure: str
    queued_at: datetime | None
    doubt: str | None
    exception: str | None
    created_at: datetime
    state_since: datetime
    may: list[RunKind]
    version: int


class Eyes:
    """Whose eyes awards are shown to: what they are told of each, and what they may do with it."""

    def __init__(self, caller: Caller, parts: Mapping[UUID, Part], own: Collection[UUID] = ()) -> None:
        self._staff = any(post.kind is Kind.SECRETARIAT for post in caller.posts)
        self._roles: frozenset[Role] = frozenset(p.role for p in caller.posts if p.kind is Kind.SECRETARIAT)
        self._parts, self._own = parts, own

    @classmethod
    async def of(cls, caller: Caller, awards: Sequence[Award]) -> Self:
        """Return a caller's eyes for some awards; a settled number of statements, none for who decides nothing."""
        if not any(post.kind is Kind.SECRETARIAT for post in caller.posts):
            return cls(caller, {})
        standing = await deciders.standing(caller.person_id, awards)
        own = {award.id for award in awards if standing.own(award)}
        return cls(caller, await deciders.parts([award.id for award in awards], caller.person_id), own)

    def see(self, row: Award) -> AwardView:
        """Return the view of a row that came with what it is shown with."""
        said: dict[str, Any] = {
            "referral": row.referral and row.referral.number,
            "estimate": (row.held_from if row.state is AwardState.HELD else row.state) in ESTIMATED,
            "payee": SchoolView.of(row.payee),
            "student": _student(row),
            "verdict": VerdictView.model_validate(row.verdict),
            "fund": FundName(id=row.fund.id, name=row.fund.name) if row.fund else None,
            "publication": row.publication_id,
            "statement": row.statement_id,
            "second_check": row.second_check if self._staff else None,
            "doubt": row.doubt if self._staff else None,
            "exception": row.exception_reason if self._staff else None,
            "may": self._may(row),
        }
        return AwardView(**said, **{name: getattr(row, name) for name in AwardView.model_fields if name not in said})

    def _may(self, row: Award) -> list[RunKind]:
        """Return what the caller may do: in a role of theirs, from this state, and with no other part in it."""
        if row.id in self._own:
            return []
        had, found = self._parts.get(row.id), []
        for verb in states.open_to(row.state, self._roles):
            role = states.role(verb, self._roles)
            part = states.TABLE[verb].parts[role] if role else None
            if part is None or had in {None, part}:
                found.append(verb)
        return found


def _student(row: Award) -> AwardedStudentView | None:
    if row.student is None:
        return None
    name = sealed.name_of(row.referral) if row.referral else students.name_of(row.student)
    return AwardedStudentView(id=row.student.id, name=name)
