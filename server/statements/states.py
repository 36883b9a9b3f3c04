"""What may be done with a statement, and from which states. One table, which everything reads."""

from collections.abc import Mapping
from enum import StrEnum

from server.statements.models import StatementState

OPEN, LOCKED, SENT = StatementState.OPEN, StatementState.LOCKED, StatementState.SENT
PART_SETTLED, SETTLED = StatementState.PART_SETTLED, StatementState.SETTLED
VOIDED, RETURNED = StatementState.VOIDED, StatementState.RETURNED

GONE_OUT = frozenset({SENT, PART_SETTLED, SETTLED, RETURNED})
"""From when on its payee sees it."""


class Verb(StrEnum):
    """What people do with a statement."""

    LOCK = "lock"
    APPROVE = "approve"
    SEND = "send"
    VOID = "void"
    GIVE_FILE = "give_file"
    SETTLE = "settle"
    RETURN = "return"
    BANK_RETURN = "bank_return"
    UNDO_BANK_RETURN = "undo_bank_return"
    RECEIPT = "receipt"
    FOLLOW = "follow"


TABLE: Mapping[Verb, frozenset[StatementState]] = {
    Verb.LOCK: frozenset({OPEN}),
    Verb.APPROVE: frozenset({LOCKED}),
    Verb.SEND: frozenset({LOCKED}),
    Verb.VOID: frozenset({OPEN, LOCKED}),
    Verb.GIVE_FILE: frozenset({LOCKED, SENT, PART_SETTLED, SETTLED, RETURNED}),
    Verb.SETTLE: frozenset({SENT, PART_SETTLED, SETTLED}),
    Verb.RETURN: frozenset({SENT}),
    Verb.BANK_RETURN: frozenset({PART_SETTLED, SETTLED}),
    Verb.UNDO_BANK_RETURN: frozenset({PART_SETTLED, SETTLED}),
    Verb.RECEIPT: frozenset({SENT, PART_SETTLED, SETTLED}),
    Verb.FOLLOW: frozenset({PART_SETTLED, SETTLED, RETURNED}),
}
"""One that is settled takes a result file still: the same again, which changes nothing."""
