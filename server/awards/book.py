"""The programmes that awards follow from, handed to a process once."""

from server.kernel.handed import Handed
from server.policy.book import PolicyBook

_handed = Handed[PolicyBook]("programmes were")
use, in_force = _handed.use, _handed.in_force


def title(programme_id: str) -> str:
    """Return what people call a programme; its id where it is not in the book any more."""
    programme = in_force().programmes.get(programme_id)
    return programme.title if programme else programme_id
