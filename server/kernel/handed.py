"""What the composition root hands to a process once, as its clock is: the rules of content, a catalogue."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Handed(Generic[T]):
    """One such value. The module that owns it gives out `use` and `in_force` as its own."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._value: T | None = None

    def use(self, value: T) -> None:
        """Make `value` that of this process."""
        self._value = value

    def in_force(self) -> T:
        """Return the value of this process; raises RuntimeError where none was handed in."""
        if self._value is None:
            raise RuntimeError(f"no {self._what} handed in")
        return self._value
