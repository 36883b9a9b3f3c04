"""Trouble on request: what is to go wrong, on which path, how often."""

from dataclasses import dataclass


@dataclass
class Fault:
    """What a call on `path` (`*` is every one) meets instead of, or with `after` in spite of, its work being done.

    `times` None is until the next reset. With nothing but a delay the call goes on as usual.
    """

    path: str
    errcode: int | None = None
    status: int | None = None
    delay_ms: int = 0
    drop: bool = False
    html: bool = False
    after: bool = False
    times: int | None = None

    @property
    def answers(self) -> bool:
        """Whether the caller gets something else than the answer."""
        return self.drop or self.html or self.errcode is not None or self.status is not None


class Faults:
    """The faults in wait. Those for a number of times come first, in their order; then the newest lasting one."""

    MOST = 100

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let `fault` wait for its calls; past a hundred the oldest goes."""
        self._waiting = [*self._waiting, fault][-self.MOST :]

    def take(self, path: str) -> Fault | None:
        """Return the fault that a call on `path` meets, and count it."""
        fitting = [fault for fault in self._waiting if fault.path in {path, "*"}]
        counted = [fault for fault in fitting if fault.times is not None]
        fault = counted[0] if counted else fitting[-1] if fitting else None
        if fault and fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._waiting.remove(fault)
        return fault

    def left(self) -> list[Fault]:
        """Return those in wait, each with how many `times` are left."""
        return list(self._waiting)

    def __len__(self) -> int:
        return len(self._waiting)
