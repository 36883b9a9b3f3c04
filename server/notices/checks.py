"""What is wrong with `content/notices`, also what could come to a value that WeChat refuses: values in, values out."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from server.notices import values
from server.notices.subjects import COMMON
from server.notices.texts import AT, KindText, Shared, Template, TopicText, Wording
from server.notices.topics import SUBJECTS
from server.notices.values import MISSING, Fact, Facts, Sort, Words

LONGEST_TITLE, MOST_AT_A_TAP = 20, 3
TOGETHER: Facts = {AT: COMMON[AT], "count": Fact(Sort.NUMBER)}
"""Known of many events at once."""
_PAGE = re.compile(r"pages/[a-z]+/[a-z]+(?:\?[a-z]+=(?:[A-Za-z0-9_-]+|\{[a-z]+\}))?")


def of_shared(shared: Shared) -> Iterator[str]:
    """Return what is wrong with what all topics share."""
    taps = Counter(tap for template in shared.templates.values() for tap in template.asked_at)
    yield from (f"{tap}: more than {MOST_AT_A_TAP} templates" for tap, many in taps.items() if many > MOST_AT_A_TAP)
    ids = Counter(pair for template in shared.templates.values() for pair in template.ids.items() if pair[1])
    yield from (f"templates: two have the id {pair[1]}" for pair, many in ids.items() if many > 1)
    for name, template in shared.templates.items():
        wrong = [key for key in template.keys if not values.KEY.fullmatch(key)]
        yield from (f"templates.{name}.keys.{key}: is no key that we can fill" for key in wrong)
    yield from (f"words.{about}: nothing is known of it" for about in shared.words if about not in SUBJECTS)
    for about, subject in SUBJECTS.items():
        yield from _of_words(about, subject.facts, shared.words.get(about, {}))


def _of_words(about: str, facts: Facts, words: Words) -> Iterator[str]:
    for name, fact in facts.items():
        needed = {*fact.codes, *([MISSING] if fact.may_lack else [])}
        if needed != set(words.get(name, {})):
            yield f"words.{about}.{name}: has words for {sorted(words.get(name, {}))}, not for {sorted(needed)}"
    yield from (f"words.{about}.{name}: is no fact" for name in words if name not in facts)


def of_kind(
    text: KindText, audience: str, topic: TopicText, templates: Mapping[str, Template], words: Words
) -> Iterator[str]:
    """Return what is wrong with what one audience is told of one event."""
    subject = SUBJECTS[topic.about]
    if audience not in subject.audiences:
        yield f"{topic.about} has no such audience"
    yield from (f"{name}: is no template" for name in text.templates if name not in templates)
    chosen = [templates[name] for name in text.templates if name in templates]
    if len({template.service for template in chosen}) != len(chosen):
        yield "templates: two of one account"
    yield from _of_wording(text.over(topic.page, {}), {**COMMON, **subject.facts}, chosen, words)
    if text.together:
        together = text.together.over(topic.page, text.say)
        yield from (f"together.{fault}" for fault in _of_wording(together, TOGETHER, chosen, words))


def _of_wording(wording: Wording, facts: Facts, templates: Sequence[Template], words: Words) -> Iterator[str]:
    said = {"title": wording.title, "text": wording.text, "page": wording.page}
    said |= {f"say.{part}": expression for part, expression in wording.say.items()}
    if unknown := [fault for part, expression in said.items() for fault in _unknown(part, expression, facts)]:
        yield from unknown
        return
    if (
        values.names(wording.title)
        or len(wording.title) > LONGEST_TITLE
        or values.clean(wording.title) != wording.title
    ):
        yield f"title: is not {LONGEST_TITLE} plain characters at most"
    coded = all(facts[name].sort is Sort.CODE for name in values.names(wording.page))
    if not _PAGE.fullmatch(wording.page) or not coded:
        yield "page: is no page"
    yield from _of_push({**wording.say, AT: f"{{{AT}}}"}, facts, templates, words)


def _unknown(part: str, expression: str, facts: Facts) -> Iterator[str]:
    try:
        yield from (f"{part}: {{{name}}} is no fact" for name in values.names(expression) if name not in facts)
    except ValueError as error:
        yield f"{part}: {error}"


def _of_push(said: Mapping[str, str], facts: Facts, templates: Sequence[Template], words: Words) -> Iterator[str]:
    for template in templates:
        for key, part in template.keys.items():
            where = f"say.{part}: for {key} of {template.name}"
            if part not in said:
                yield f"{where}: is missing"
            elif wrong := values.fault(key, said[part], facts, words):
                yield f"{where}: {wrong}"
