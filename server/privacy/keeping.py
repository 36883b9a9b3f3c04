"""What must still be kept of a person, and until when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from server.consents.models import Consent
from server.engagements import leaving
from server.engagements.models import Engagement
from server.kernel import clock
from server.organisations.models import Membership, MembershipState
from server.privacy import awarded
from server.privacy.rules import Kept, Retention
from server.students.models import LinkState, StudentLink


@dataclass(frozen=True, slots=True)
class Keeping:
    """One kind of thing that is kept of a person; `until` None is for good."""

    kept: Kept
    until: datetime | None


async def of_person(person_id: UUID, retention: Retention, now: datetime, last: datetime) -> list[Keeping]:
    """Return what must be kept of a person at `now`; what lasts still is taken to end at `last`."""
    memberships = Membership.filter(person_id=person_id).exclude(state=MembershipState.REQUESTED)
    links = await StudentLink.filter(person_id=person_id, state=LinkState.CONFIRMED)
    awaited = await awarded.running([one.student_id for one in links])
    had = Engagement.filter(person_id=person_id, accepted_at__isnull=False)
    ends = {
        Kept.PERSON_NAME: [one.ended_at for one in await memberships],
        Kept.STUDENT_LINK: [None if one.student_id in awaited else one.ended_at for one in links],
        Kept.ENGAGEMENT: [leaving.ended_at(one) for one in await had],
    }
    found = [_keeping(kept, moments, retention, now, last) for kept, moments in ends.items()]
    return [keeping for keeping in found if keeping]


async def told(person_id: UUID, retention: Retention, last: datetime) -> list[Keeping]:
    """Return what a person who goes at `last` is told is kept: what keeps their name, and their consents by number."""
    given = [one.withdrawn_at for one in await Consent.filter(person_id=person_id)]
    consents = _keeping(Kept.CONSENT, given, retention, last, last)
    return [*await of_person(person_id, retention, last, last), *([consents] if consents else [])]


def _keeping(
    kept: Kept, ends: Iterable[datetime | None], retention: Retention, now: datetime, last: datetime
) -> Keeping | None:
    moments = [end or last for end in ends]
    if not moments or max(moments) <= retention.limit(kept, now):
        return None
    period = retention.period(kept, now.astimezone(clock.SHANGHAI).date())
    return Keeping(kept, max(moments) + period if period else None)
