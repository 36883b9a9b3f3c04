"""What is said to whom of which event: `content/notices`, checked whole before anything is said."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from server.kernel.content import ContentError, read
from server.kernel.handed import Handed
from server.notices import checks
from server.notices.models import Priority, Service
from server.notices.subjects import COMMON
from server.notices.texts import KindText, Shared, Template, TopicText, Wording
from server.notices.topics import SUBJECTS
from server.notices.values import Facts, Words

SHARED = "shared"
_PRIORITIES = {priority.name.lower(): priority for priority in Priority}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of message, `<event>.<audience>`, and the version of its words. `worth` is how long a push is worth it."""

    id: str
    version: str
    about: str
    event: str
    audience: str
    priority: Priority
    worth: timedelta
    one: Wording
    many: Wording | None
    templates: tuple[Template, ...]
    """The service account's before the mini-program's."""
    facts: Facts = field(repr=False)
    words: Words = field(repr=False)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every kind by its event and its audience, and every template by its name."""

    kinds: Mapping[str, Mapping[str, Kind]]
    templates: Mapping[str, Template]

    @property
    def events(self) -> frozenset[str]:
        """The names of the events that somebody is told of."""
        return frozenset(self.kinds)

    def title_of(self, kind: str) -> str:
        """Return under which title a kind's messages come, empty where there is none of that id any more."""
        event, _, audience = kind.rpartition(".")
        found = self.kinds.get(event, {}).get(audience)
        return found.one.title if found else ""

    def asked_at(self, tap: str) -> list[Template]:
        """Return the templates for which permission is asked at a tap, at most three."""
        return [template for template in self.templates.values() if tap in template.asked_at]


_handed = Handed[Catalogue]("catalogue of notices was")
use, in_force = _handed.use, _handed.in_force


def load(content_dir: Path) -> Catalogue:
    """Return the catalogue; raises ContentError with every fault of a file, also a value that WeChat might refuse."""
    folder = content_dir / "notices"
    shared = read(Shared, folder / f"{SHARED}.yaml")
    _raise(folder / f"{SHARED}.yaml", checks.of_shared(shared))
    named = {name: one.model_copy(update={"name": name}) for name, one in shared.templates.items()}
    kinds: dict[str, dict[str, Kind]] = {}
    for path in sorted(folder.glob("*.yaml")):
        for kind in _topic(path, shared, named) if path.stem != SHARED else ():
            if kind.audience in kinds.setdefault(kind.event, {}):
                raise ContentError([f"{path}: {kind.id}: is said twice"])
            kinds[kind.event][kind.audience] = kind
    return Catalogue(kinds, named)


def _topic(path: Path, shared: Shared, templates: Mapping[str, Template]) -> Iterator[Kind]:
    topic = read(TopicText, path)
    if topic.about not in SUBJECTS:
        raise ContentError([f"{path}: {topic.about}: nothing is known of it"])
    words = shared.words.get(topic.about, {})
    texts = [(event, audience, text) for event, told in topic.kinds.items() for audience, text in told.items()]
    _raise(
        path,
        (
            f"{event}.{audience}: {fault}"
            for event, audience, text in texts
            for fault in checks.of_kind(text, audience, topic, templates, words)
        ),
    )
    for event, audience, text in texts:
        chosen = sorted((templates[name] for name in text.templates), key=_preferred)
        yield _kind((event, audience), text, topic, chosen, words, shared.edition)


def _kind(  # noqa: PLR0913, PLR0917 -- all that a kind is made of
    name: tuple[str, str],
    text: KindText,
    topic: TopicText,
    templates: Iterable[Template],
    words: Words,
    edition: str,
) -> Kind:
    event, audience = name
    chosen = tuple(templates)
    said = [text.model_dump_json(), topic.page, repr(words), *(repr(one.keys) for one in chosen)]
    return Kind(
        id=f"{event}.{audience}",
        version=f"{edition}-{hashlib.sha256(''.join(said).encode()).hexdigest()[:8]}",
        about=topic.about,
        event=event,
        audience=audience,
        priority=_PRIORITIES[text.priority],
        worth=timedelta(hours=text.worth_hours),
        one=text.over(topic.page, {}),
        many=text.together.over(topic.page, text.say) if text.together else None,
        templates=chosen,
        facts={**COMMON, **SUBJECTS[topic.about].facts, **checks.TOGETHER},
        words=words,
    )


def _preferred(template: Template) -> bool:
    return template.service is not Service.SERVICE_ACCOUNT


def _raise(path: Path, faults: Iterable[str]) -> None:
    if told := [f"{path}: {fault}" for fault in faults]:
        raise ContentError(told)
