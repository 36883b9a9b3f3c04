"""Whether this platform may publish at all: its operator's own qualification, which the operator answers for.

Handed in by the composition root, as the keys of the audit are.
"""

from datetime import date

from server.kernel import clock
from server.kernel.errors import DomainError

_valid_to: date | None = None


def use(valid_to: date | None) -> None:
    """Publish until `valid_to`, itself included; None: there is no qualification, and nothing is published."""
    global _valid_to  # noqa: PLW0603 -- a process has one operator, as it has one clock
    _valid_to = valid_to


def qualified() -> bool:
    """Whether the operator may publish today."""
    return _valid_to is not None and clock.today() <= _valid_to


def require() -> None:
    """Raise DomainError 409 where the operator may publish nothing today."""
    if not qualified():
        raise DomainError("operator_not_qualified", 409)
