"""Schools that claim one student, and reviewers who have to do with none of them."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from server.access.rules import Caller, Post
from server.appeals import service as appeals
from server.appeals.models import Appeal
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.ids import new_id
from server.organisations.models import Membership, Organisation
from server.organisations.roles import Kind, Role
from server.organisations.secretariat import secretariat
from server.people.service import Decider
from server.referrals.models import LIVE, Referral, ReferralState
from server.students.models import Student
from tests.factories import make_member, make_organisation
from tests.harness.referring import make_claim, make_evidence, make_student

YEAR = 2026
BEGAN = datetime(2026, 10, 10, 2, tzinfo=UTC)
UNTIL = date(2026, 10, 20)
HEARD = datetime(2026, 10, 21, 2, tzinfo=UTC)
REASON = "材料齐全"


@dataclass
class Dispute:
    """Claims on one student: the first one lives, the others are disputed, unless other states are asked for."""

    student: Student
    schools: list[Organisation] = field(default_factory=list)
    clerks: list[Membership] = field(default_factory=list)
    claims: list[Referral] = field(default_factory=list)

    async def states(self) -> list[str]:
        return [str((await Referral.get(id=claim.id)).state) for claim in self.claims]

    async def claim(self, place: int) -> Referral:
        return await Referral.get(id=self.claims[place].id)

    def of_clerk(self, place: int, reason: str = "登记有误") -> Decider:
        return Decider(self.clerks[place].person_id, reason)

    async def actions(self, place: int) -> list[str]:
        """What the audit says of a claim, without what it begins with."""
        entries = await AuditEntry.filter(subject=f"referral:{self.claims[place].id}").order_by("id")
        return [entry.action.removeprefix("referral.") for entry in entries]

    async def lives_once(self) -> bool:
        return await Referral.filter(student=self.student, year=YEAR, state__in=LIVE).count() <= 1

    async def joined(self, state: ReferralState = ReferralState.REGISTERED) -> None:
        """Another school registers the student, outside any dispute."""
        await self.add(state, YEAR, None)

    async def add(self, state: ReferralState, year: int, until: date | None) -> None:
        school = await make_organisation(name=f"第{len(self.schools) + 1}中学（示例）")
        self.schools.append(school)
        self.clerks.append(await make_member(school, Role.CLERK))
        claim = await make_claim(school, self.student, state=state, year=year, evidence_until=until)
        self.claims.append(claim)

    async def put_forward(self, place: int) -> None:
        await make_evidence(self.claims[place], person_id=self.clerks[place].person_id)


async def disputed(*states: ReferralState, year: int = YEAR, until: date | None = UNTIL) -> Dispute:
    """A dispute of as many schools as states are given, by default two."""
    states = states or (ReferralState.REGISTERED, ReferralState.DISPUTED)
    made = Dispute(await make_student())
    for state in states:
        await made.add(state, year, until)
    return made


async def reviewer(reason: str = REASON) -> Decider:
    return Decider((await make_member(await secretariat(), Role.REVIEWER)).person_id, reason)


async def judge(appeal_id: UUID, verdict: appeals.Verdict, by: Decider) -> Appeal:
    """Decide an appeal as a reviewer of the secretariat."""
    caller = Caller(by.person_id, new_id(), (Post(new_id(), Kind.SECRETARIAT, Role.REVIEWER),))
    return await appeals.judge(appeal_id, verdict, caller, by.reason)


def after_evidence(days: int = 0) -> None:
    clock.move_to(HEARD + timedelta(days=days))
