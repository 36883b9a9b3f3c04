"""What may happen to an award: in which role, from which states. One table, which everything reads."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from server.awards.models import AwardState, Part, RunKind
from server.organisations.roles import Role

PROPOSED, REVIEWED, PUBLICISED = AwardState.PROPOSED, AwardState.REVIEWED, AwardState.PUBLICISED
APPROVED, AWAITING_FUNDS, HELD = AwardState.APPROVED, AwardState.AWAITING_FUNDS, AwardState.HELD
REFUSED, CANCELLED = AwardState.REFUSED, AwardState.CANCELLED

GOING_ON = frozenset({PROPOSED, REVIEWED, PUBLICISED, APPROVED, AWAITING_FUNDS})
"""On its way, and on no statement yet: it can be held."""
UNDECIDED = frozenset({PROPOSED, REVIEWED, PUBLICISED})
"""Nobody has approved it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """From which states something may be done, in which roles, and which part in the award that is: None is none."""

    parts: Mapping[Role, Part | None]
    states: frozenset[AwardState]
    to: AwardState | None
    """None where it depends: on the money that there is, or on where it came from."""


_REVIEW, _APPROVAL = {Role.REVIEWER: Part.REVIEW}, {Role.APPROVER: Part.APPROVAL}
_NO_PART: Mapping[Role, Part | None] = {Role.REVIEWER: None, Role.APPROVER: None}

TABLE: Mapping[RunKind, Rule] = {
    RunKind.REVIEW: Rule(_REVIEW, frozenset({PROPOSED}), REVIEWED),
    RunKind.APPROVE: Rule(_APPROVAL, frozenset({PUBLICISED}), None),
    RunKind.REFUSE: Rule(_REVIEW | _APPROVAL, UNDECIDED | {HELD}, REFUSED),
    RunKind.HOLD: Rule({**_NO_PART, Role.FINANCE: None}, GOING_ON, HELD),
    RunKind.RELEASE: Rule(_NO_PART, frozenset({HELD}), None),
    RunKind.CANCEL: Rule(_REVIEW | _APPROVAL, GOING_ON | {HELD}, CANCELLED),
}
"""What people decide of an award. All else follows from a publication, an objection, a statement or a clawback."""


def role(verb: RunKind, roles: Collection[Role]) -> Role | None:
    """Return in which of somebody's roles they do something, None where they have none for it."""
    return next((one for one in TABLE[verb].parts if one in roles), None)


def open_to(state: AwardState, roles: Collection[Role]) -> list[RunKind]:
    """Return what those with such roles may do from a state, as far as these two say."""
    return [verb for verb, rule in TABLE.items() if state in rule.states and role(verb, roles)]


def reserved(state: AwardState, held_from: AwardState | None) -> bool:
    """Whether money is reserved for an award in such a state; a held one keeps it."""
    return APPROVED in {state, held_from if state is HELD else None}


def queued(state: AwardState) -> bool:
    """Whether an award stands in the queue for money; a held one keeps its place, and lets the others pass."""
    return state is AWAITING_FUNDS
