"""The programmes that awards follow from, handed to a process once."""

from server.kernel.handed import Handed
from server.policy.book import PolicyBook

_handed = Handed[PolicyBook]("programmes were")
use, in_force = _handed.use, _handed.in_force
