"""The kinds of subject whose refusals can be appealed, in one place."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from uuid import UUID

from server.access import owners
from server.access.rules import Owner
from server.appeals.awards import AwardRefusals
from server.appeals.ports import Contestable
from server.engagements import contests
from server.engagements import holding as engagements
from server.engagements.models import Party
from server.kernel.audit import AuditEntry
from server.labour import keeping as labour
from server.labour import review
from server.labour.service import posting
from server.organisations import decisions, keeping, memberships, payee_accounts, payee_refusals
from server.organisations.payee_accounts import Verdict
from server.organisations.roles import Role
from server.people.service import Decider
from server.referrals import decisions as referrals
from server.students import service as students
from server.students.models import StudentLink


class OrganisationRefusals:
    """A rejected application, and a refused change or recheck of an organisation."""

    decided_by = (Role.REVIEWER,)

    async def owner(self, subject_id: UUID) -> Owner:
        """Return the owner of an organisation; raises DomainError 404."""
        return await owners.organisation(subject_id)

    async def hold(self, subject_id: UUID) -> AuditEntry | None:
        """Hold the organisation and return its standing refusal; raises DomainError 404."""
        return await decisions.standing_refusal(await keeping.hold(subject_id))

    async def overturn(self, subject_id: UUID, by: Decider) -> None:
        """Verify the organisation, with what was refused; raises DomainError 409 where its code is taken."""
        await decisions.verify(await keeping.hold(subject_id), by)

    async def require_outsider(self, subject_id: UUID, person_id: UUID) -> None:
        """Raise DomainError 403 for the organisation's own people."""
        await keeping.require_outsider(subject_id, person_id)

    async def concerned(self, subject_id: UUID) -> Collection[UUID]:
        """Return who leads the organisation."""
        return await memberships.leading(subject_id)


class StudentLinkRefusals:
    """A rejected link between a person and a student."""

    decided_by = (Role.REVIEWER,)

    async def owner(self, subject_id: UUID) -> Owner:
        """Return the owner of a link: its person; raises DomainError 404."""
        return await owners.student_link(subject_id)

    async def hold(self, subject_id: UUID) -> AuditEntry | None:
        """Hold the link and return its standing rejection."""
        return await students.standing_refusal(subject_id)

    async def overturn(self, subject_id: UUID, by: Decider) -> None:
        """Confirm the link; raises DomainError 409 where another person is confirmed by now."""
        await students.overturn(subject_id, by)

    async def require_outsider(self, subject_id: UUID, person_id: UUID) -> None:
        """Raise DomainError 403 for who has to do with the student themselves."""
        await students.require_outsider(subject_id, person_id)

    async def concerned(self, subject_id: UUID) -> Collection[UUID]:
        """Return the person of the link."""
        return [link.person_id for link in await StudentLink.filter(id=subject_id)]


class ReferralRefusals:
    """A rejected claim of a school on a student."""

    decided_by = (Role.REVIEWER,)

    async def owner(self, subject_id: UUID) -> Owner:
        """Return the owner of a claim: its school; raises DomainError 404."""
        return await owners.referral(subject_id)

    async def hold(self, subject_id: UUID) -> AuditEntry | None:
        """Hold the claim and all on its student, and return its standing rejection."""
        return await referrals.standing_refusal(subject_id)

    async def overturn(self, subject_id: UUID, by: Decider) -> None:
        """Uphold the claim, to which those beside it are then lost; raises DomainError 409 where it is not rejected."""
        await referrals.overturn(subject_id, by)

    async def require_outsider(self, subject_id: UUID, person_id: UUID) -> None:
        """Raise DomainError 403 for who has to do with a school that claims the student, or with the student."""
        await referrals.require_outsider(subject_id, person_id)

    async def concerned(self, subject_id: UUID) -> Collection[UUID]:
        """Return who acts for the school of the claim; the other schools are told of what becomes of theirs."""
        return await referrals.concerned(subject_id)


class PayeeAccountRefusals:
    """A payee account that finance refused."""

    decided_by = (Role.FINANCE,)

    async def owner(self, subject_id: UUID) -> Owner:
        """Return the owner of an account: its organisation; raises DomainError 404."""
        row = await payee_accounts.account(subject_id)
        return Owner("payee_account", frozenset({row.organisation_id}), secretariat_knows=True)

    async def hold(self, subject_id: UUID) -> AuditEntry | None:
        """Hold the account's organisation and return its standing refusal; raises DomainError 404."""
        return await payee_refusals.standing_refusal(subject_id)

    async def overturn(self, subject_id: UUID, by: Decider) -> None:
        """Confirm the account; raises DomainError 409 where that cannot be any more."""
        await payee_refusals.overturn(subject_id, Verdict(by.person_id, by.reason))

    async def require_outsider(self, subject_id: UUID, person_id: UUID) -> None:
        """Raise DomainError 403 for who named the account, and for the organisation's own people."""
        await payee_accounts.require_outsider(await payee_accounts.account(subject_id), person_id)

    async def concerned(self, subject_id: UUID) -> Collection[UUID]:
        """Return who leads the organisation."""
        return await memberships.leading((await payee_accounts.account(subject_id)).organisation_id)


class PostingRefusals:
    """A posting or a change of one that was returned, and one that was removed."""

    decided_by = (Role.REVIEWER,)

    async def owner(self, subject_id: UUID) -> Owner:
        """Return the owner of a posting; raises DomainError 404."""
        return await owners.posting(subject_id)

    async def hold(self, subject_id: UUID) -> AuditEntry | None:
        """Hold the posting and return its standing refusal; raises DomainError 404."""
        return await review.standing_refusal(await labour.hold(subject_id))

    async def overturn(self, subject_id: UUID, by: Decider) -> None:
        """Publish the posting; raises DomainError 409 where it may not be published any more."""
        await review.overturn(await labour.hold(subject_id), by)

    async def require_outsider(self, subject_id: UUID, person_id: UUID) -> None:
        """Raise DomainError 403 for who wrote the posting, and its organisation's own people."""
        await labour.require_outsider(await posting(subject_id), person_id)

    async def concerned(self, subject_id: UUID) -> Collection[UUID]:
        """Return whose posting it is."""
        return await labour.concerned(await posting(subject_id))


class EngagementDecisions:
    """What the secretariat decided of a no-show, an early leaving or unpaid wages; whom it went against may appeal."""

    decided_by = (Role.REVIEWER,)

    async def owner(self, subject_id: UUID) -> Owner:
        """Return the owner of a decision: the side that lost by it, or both where none is; raises DomainError 404."""
        both, decided = await owners.engagement(subject_id), await engagements.engagement(subject_id)
        loser, poster = await contests.loser(decided), decided.posting.organisation_id
        if loser is None:
            return both
        if loser is Party.POSTER:
            return replace(both, organisations=both.organisations & {poster}, person_id=None)
        return replace(both, organisations=both.organisations - {poster})

    async def hold(self, subject_id: UUID) -> AuditEntry | None:
        """Hold the engagement and return the decision that stands; raises DomainError 404."""
        return await contests.standing_decision(await engagements.hold(subject_id))

    async def overturn(self, subject_id: UUID, by: Decider) -> None:
        """Decide the other way; raises DomainError 409 where the decision stands no longer."""
        await contests.overturn(await engagements.hold(subject_id), by)

    async def require_outsider(self, subject_id: UUID, person_id: UUID) -> None:
        """Raise DomainError 403 for who has to do with one of the two sides."""
        await contests.require_outsider(await engagements.engagement(subject_id), person_id)

    async def concerned(self, subject_id: UUID) -> Collection[UUID]:
        """Return the people of both sides."""
        return await contests.concerned(await engagements.engagement(subject_id))


CONTESTABLE: Mapping[str, Contestable] = {
    "organisation": OrganisationRefusals(),
    "student_link": StudentLinkRefusals(),
    "referral": ReferralRefusals(),
    "payee_account": PayeeAccountRefusals(),
    "posting": PostingRefusals(),
    "engagement": EngagementDecisions(),
    "award": AwardRefusals(),
}
"""Kind of subject -> how its refusals are contested."""
