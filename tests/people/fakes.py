"""WeChat and the limits as a test wants them; the real ones are met over HTTP."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from server.kernel.errors import DomainError, FieldFault, invalid
from server.people.ports import Identity


@dataclass(frozen=True)
class Someone:
    openid: str
    unionid: str | None = None


@dataclass
class FakeWeChat:
    """Knows people by codes that may be used again and again."""

    people: Mapping[str, Someone] = field(default_factory=dict)
    phones: Mapping[str, str] = field(default_factory=dict)

    async def identity(self, code: str) -> Identity:
        if code not in self.people:
            raise invalid(FieldFault("/code", "malformed"))
        return self.people[code]

    async def phone(self, code: str) -> str:
        return self.phones[code]


@dataclass
class FakeLimits:
    """Counts every try, within one window that never ends."""

    tries: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def take(self, what: str, who: str, most: int, seconds: int) -> None:
        assert seconds > 0
        self.tries[what, who] += 1
        if self.tries[what, who] > most:
            raise DomainError("too_many_requests", 429, seconds=seconds)

    @asynccontextmanager
    async def counted(self, what: str, who: str, most: int, seconds: int) -> AsyncIterator[None]:
        await self.take(what, who, most, seconds)
        try:
            yield
        except DomainError as error:
            self.tries[what, who] -= error.status == 503
            raise
