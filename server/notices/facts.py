"""Events put into words for everyone whom they concern. What is said to one person never holds another's data."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from server.kernel.outbox import Event
from server.notices import values
from server.notices.catalogue import Catalogue, Kind
from server.notices.models import Priority, Service
from server.notices.subjects import NOBODY, Known
from server.notices.texts import AT, Template, Wording
from server.notices.topics import SUBJECTS
from server.notices.values import Values


@dataclass(frozen=True, slots=True)
class Push:
    """What WeChat would be given for one of its two accounts: a value for every key of the template."""

    template: Template
    data: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Message:
    """What one person is told: the inbox's words, where they lead, and the pushes that could be made of them."""

    person_id: UUID
    kind: str
    version: str
    subject: str
    title: str
    text: str
    page: str
    priority: Priority
    expires_at: datetime
    pushes: tuple[Push, ...]
    event_id: UUID | None = None

    def push(self, service: Service) -> Push | None:
        """Return the push through one account, None where there is none."""
        return next((push for push in self.pushes if push.template.service is service), None)


@dataclass(frozen=True, slots=True)
class _Told:
    """One person's part in one event."""

    event: Event
    known: Known
    person_id: UUID


async def messages(events: Sequence[Event], catalogue: Catalogue) -> list[Message]:
    """Return what is said of some events, each person at most one message for each, those first that happened first.

    What many events of one kind have for one person is said at once where content has words for that, under the first
    of them: the same events always come to the same. A few statements, however many events and people there are.
    """
    groups: dict[tuple[str, UUID], list[_Told]] = {}
    kinds: dict[str, Kind] = {}
    known = await _known([event for event in events if event.name in catalogue.kinds], catalogue)
    for event in events:
        for person_id, audience in known[event.id].audiences.items() if event.id in known else ():
            if kind := catalogue.kinds[event.name].get(audience):
                kinds[kind.id] = kind
                groups.setdefault((kind.id, person_id), []).append(_Told(event, known[event.id], person_id))
    return list(_worded(groups, kinds))


def message(  # noqa: PLR0913 -- all that a message is made of
    kind: Kind,
    person_id: UUID,
    known: Values,
    at: datetime,
    *,
    subject: str = "",
    event_id: UUID | None = None,
    many: bool = False,
) -> Message:
    """Return what one person is told of what happened `at` a moment; `known` are the facts that the kind has."""
    wording = kind.many if many and kind.many else kind.one
    facts = {"id": subject.partition(":")[2], AT: at, **known}
    return Message(
        person_id=person_id,
        kind=kind.id,
        version=kind.version,
        subject="" if many else subject,
        title=wording.title,
        text=values.told(wording.text, kind.facts, facts, kind.words),
        page=values.told(wording.page or "", kind.facts, facts, kind.words),
        priority=kind.priority,
        expires_at=at + kind.worth,
        pushes=tuple(Push(template, _data(template, wording, kind, facts)) for template in kind.templates),
        event_id=event_id,
    )


def _data(template: Template, wording: Wording, kind: Kind, facts: Values) -> Mapping[str, str]:
    parts = {**wording.say, AT: f"{{{AT}}}"}
    return {key: values.made(key, parts[part], kind.facts, facts, kind.words) for key, part in template.keys.items()}


async def _known(events: Iterable[Event], catalogue: Catalogue) -> Mapping[UUID, Known]:
    about: dict[str, list[Event]] = {}
    for event in events:
        about.setdefault(next(iter(catalogue.kinds[event.name].values())).about, []).append(event)
    found: dict[UUID, Known] = {}
    for name, some in about.items():
        found |= await SUBJECTS[name].read(some)
    return found


def _worded(groups: Mapping[tuple[str, UUID], list[_Told]], kinds: Mapping[str, Kind]) -> Iterator[Message]:
    made: dict[tuple[str, UUID], Message] = {}
    for (kind_id, _person_id), group in groups.items():
        kind = kinds[kind_id]
        if kind.many and len(group) > 1:
            yield _together(kind, group)
            continue
        for told in group:
            event = told.event
            if (kind_id, event.id) not in made:
                made[kind_id, event.id] = message(
                    kind, NOBODY, told.known.values, event.created_at, subject=event.subject, event_id=event.id
                )
            yield replace(made[kind_id, event.id], person_id=told.person_id)


def _together(kind: Kind, group: Sequence[_Told]) -> Message:
    first, last = group[0].event, group[-1].event
    return message(kind, group[0].person_id, {"count": len(group)}, last.created_at, event_id=first.id, many=True)
