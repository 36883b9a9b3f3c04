"""What notices can be about: each kind of subject brings a `Subject`, here in one place."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from server.kernel.ids import parse_id
from server.kernel.outbox import Event
from server.notices.values import Fact, Facts, Sort, Values

COMMON: Facts = {"id": Fact(Sort.CODE), "at": Fact(Sort.MOMENT)}
"""Known of everything: what follows the colon of its subject, and when it happened."""

NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Known:
    """What an event is about, as it is now, and as what each person is told of it; who is not in it is not told."""

    values: Values
    audiences: Mapping[UUID, str]


@dataclass(frozen=True, slots=True)
class Subject:
    """A kind of subject: its facts, the audiences there are, and how both are read for many events at once.

    What is gone is not in what `read` returns, which is by event; the number of statements does not depend on how
    many events there are.
    """

    facts: Facts
    audiences: frozenset[str]
    read: Callable[[Sequence[Event]], Awaitable[Mapping[UUID, Known]]]


def subject_id(event: Event) -> UUID:
    """Return the id in an event's subject, nobody's where it has none."""
    return parse_id(event.subject.partition(":")[2]) or NOBODY


def ids(events: Iterable[Event]) -> list[UUID]:
    """Return the ids of what events are about, each once."""
    return sorted({subject_id(event) for event in events})


def people(event: Event) -> list[UUID]:
    """Return whom an event concerns."""
    return [UUID(person) for person in event.people]


def all_are(event: Event, audience: str) -> Mapping[UUID, str]:
    """Tell everyone whom an event concerns of it as the same."""
    return dict.fromkeys(people(event), audience)
