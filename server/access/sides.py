"""On which side of an engagement a caller stands."""

from server.access.rules import Caller, holders
from server.engagements.models import Engagement, Party
from server.engagements.states import Actor
from server.kernel.errors import DomainError
from server.organisations.roles import Role


def party(caller: Caller, row: Engagement) -> Party | None:
    """Return for which side a caller reads an engagement, with its posting and supply: their own comes first."""
    if _is_worker(caller, row):
        return Party.WORKER
    return Party.POSTER if _is_poster(caller, row) else None


def actor(caller: Caller, row: Engagement) -> Actor:
    """Return a caller as one who acts for a side; raises DomainError 403 for who stands on neither, or on both."""
    worker, poster = _is_worker(caller, row), _is_poster(caller, row)
    if worker == poster:
        raise DomainError("engagement_not_yours", 403)
    return Actor(caller.person_id, Party.WORKER if worker else Party.POSTER)


def _is_worker(caller: Caller, row: Engagement) -> bool:
    school = row.supply.organisation_id if row.supply else None
    if school:
        return _acts_for(caller, school)
    return row.person_id == caller.person_id


def _is_poster(caller: Caller, row: Engagement) -> bool:
    organisation = row.posting.organisation_id
    if organisation:
        return _acts_for(caller, organisation)
    return row.posting.person_id == caller.person_id


def _acts_for(caller: Caller, organisation_id: object) -> bool:
    roles = holders(Role.CLERK)
    return any(post.organisation_id == organisation_id and post.role in roles for post in caller.stands_for)
