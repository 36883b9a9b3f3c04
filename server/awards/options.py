"""What somebody may do with awards now: what speaks against a decision speaks against offering it.

Only what the budget says, under its lock, and what the database alone knows, is left for the decision itself.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from uuid import UUID

from server.awards import deciders, grounds, states, undoing
from server.awards.deciders import Standing
from server.awards.models import Award, AwardState, Part, RunKind, SecondCheck
from server.organisations.roles import Role


class Deed(StrEnum):
    """What may be done with one award, by the name of its route."""

    REVIEW = "review"
    APPROVE = "approve"
    REFUSE = "refuse"
    HOLD = "hold"
    RELEASE = "release"
    CANCEL = "cancel"
    UNDO = "undo"
    SECOND_CHECK = "second_check"


async def open_to(awards: Sequence[Award], person_id: UUID, roles: Collection[Role]) -> Mapping[UUID, list[Deed]]:
    """Return by award what somebody in these roles of the secretariat may do; a settled number of statements."""
    wanted = {verb for one in awards for verb in states.open_to(one.state, roles)}
    verbs = [verb for verb in RunKind if verb in wanted]
    known = await grounds.known_for(awards, verbs, person_id) if verbs else {}
    standing = known[verbs[0]].standing if verbs else await deciders.standing(person_id, awards)
    had = await deciders.parts([one.id for one in awards], person_id)
    found = {one.id: [Deed(verb) for verb in verbs if _open(one, known[verb], had.get(one.id))] for one in awards}
    released = {award_id for award_id, deeds in found.items() if Deed.RELEASE in deeds}
    turning = [one for one in awards if one.state not in _UNTURNED] if deciders.EITHER & standing.roles else []
    undoable = await undoing.undoable(turning, standing, person_id, released)
    for one in awards:
        found[one.id] += [Deed.UNDO] if one.id in undoable else []
        found[one.id] += [Deed.SECOND_CHECK] if _to_check(one, standing, had.get(one.id)) else []
    return found


_UNTURNED = frozenset({AwardState.PROPOSED, AwardState.ON_STATEMENT, AwardState.PAID})
"""Where nobody has decided anything yet, or too much has come of it."""


def _open(award: Award, known: grounds.Known, had: Part | None) -> bool:
    """Whether nothing speaks against a verb, nor another part that the same person had."""
    if grounds.against(award, known, None):
        return False
    role = states.role(known.verb, known.standing.roles)
    part = states.TABLE[known.verb].parts[role] if role else None
    return part is None or had in {None, part}


def _to_check(award: Award, known: Standing, had: Part | None) -> bool:
    waits = award.state is AwardState.REVIEWED and award.second_check is SecondCheck.WAITING
    may = not deciders.EITHER.isdisjoint(known.roles) and not known.own(award)
    return waits and may and had in {None, Part.SECOND_CHECK}
