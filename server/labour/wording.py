"""Words that have no place in a fair posting, found in whatever guise, and told apart from their honest use."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from server.kernel.content import Content
from server.labour.beginnings import beginnings
from server.labour.denials import Denial, Denials, Patterns, one_of
from server.labour.folding import Bare, Folded, Seen
from server.labour.said import TEXTS, Found, Said

MOST_TOLD = 5
"""How many of the words found in a field are named."""
MOST_DENIED = 50
"""How many denials in a field are believed."""

MANY = 4
"""Where words of so many groups may begin, it is asked first whether any does."""

Reading = Literal["bare", "seen"]
"""A text folded, or as it is seen."""
Spans = list[tuple[int, int]]


class Words(Content):
    """Words that break one rule: regular expressions over the folded text, `seen` ones over what can be seen.

    `honest` are phrases within which they do not count; `deniable` says that a denial makes them honest. `kinds` are
    the kinds of posting that are read, all where empty; `minors` that only those for people under age are; `not_in` are
    fields that are not. Where one of `unless` is said anywhere, `otherwise` is the rule that is broken instead.
    """

    rule: str
    words: Annotated[Patterns, Field(min_length=1)]
    honest: Patterns = ()
    deniable: bool = False
    read: Reading = "bare"
    kinds: Patterns = ()
    side: str | None = None
    minors: bool = False
    not_in: Patterns = ()
    unless: Patterns = ()
    otherwise: str | None = None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What is looked for."""
        return re.compile(one_of(self.words), re.ASCII)

    @cached_property
    def honestly(self) -> re.Pattern[str] | None:
        """Within what it does not count, if there is anything."""
        return re.compile(one_of(self.honest), re.ASCII) if self.honest else None

    def concerns(self, said: Said, *, minors: bool) -> bool:
        """Whether such a posting is read."""
        return said.kind in (self.kinds or (said.kind,)) and self.side in {None, said.side} and minors >= self.minors

    @model_validator(mode="after")
    def _patterns_begin(self) -> Self:
        for pattern in (*self.words, *self.honest, *self.unless):
            beginnings(pattern)
        if not set(self.not_in) <= set(TEXTS) or bool(self.unless) != bool(self.otherwise):
            raise ValueError(f"{self.rule}: not_in or otherwise does not fit")
        return self


class Wording(Content):
    """`content/labour/wording.yaml`. `variants` are pairs of a traditional or disguised character and what it is."""

    note: str
    variants: str
    denial: Denial
    groups: tuple[Words, ...]

    @cached_property
    def denials(self) -> Denials:
        """How what is deniable is denied."""
        return Denials(self.denial, [word for group in self.groups if group.deniable for word in group.words])

    @cached_property
    def beginnings(self) -> dict[Reading, dict[str, tuple[int, ...]]]:
        """The places of the groups of which a word may begin with a character."""
        return {"bare": self._beginnings("bare"), "seen": self._beginnings("seen")}

    def _beginnings(self, reading: Reading) -> dict[str, tuple[int, ...]]:
        places: dict[str, tuple[int, ...]] = {}
        for place, group in enumerate(self.groups):
            if group.read == reading:
                for char in frozenset().union(*map(beginnings, group.words)):
                    places[char] = (*places.get(char, ()), place)
        return places

    @cached_property
    def common(self) -> dict[str, re.Pattern[str]]:
        """What finds any word of any group, by the characters with which those of many groups may begin."""
        words = [(beginnings(word), word) for group in self.groups if group.read == "bare" for word in group.words]
        return {
            char: re.compile(one_of(word for characters, word in words if char in characters), re.ASCII)
            for char, places in self.beginnings["bare"].items()
            if len(places) >= MANY
        }

    def read(self, text: str) -> dict[Reading, Folded]:
        """Return a text as its words are looked for."""
        return {"bare": Folded(text, self._bare), "seen": Folded(text, self._seen)}

    @cached_property
    def _bare(self) -> Bare:
        return Bare({pair[0]: pair[1] for pair in self.variants.split()})

    @cached_property
    def _seen(self) -> Seen:
        return Seen()

    @model_validator(mode="after")
    def _variants_are_pairs(self) -> Self:
        if odd := [pair for pair in self.variants.split() if len(pair) != len("证證")]:
            raise ValueError(f"{odd} are no pairs")
        return self


def found(said: Said, wording: Wording, *, minors: bool) -> Iterator[Found]:
    """Yield each rule broken by the words of a field, once, with the words as they were written."""
    read = {name: wording.read(text) for name in TEXTS if (text := str(getattr(said, name)))}
    for name, folds in read.items():
        for reading, folded in folds.items():
            for place, spans in _spans(folded.text, wording, reading).items():
                group = wording.groups[place]
                if name in group.not_in or not group.concerns(said, minors=minors):
                    continue
                if words := _dishonest(folded, spans, group, wording.denials):
                    everything = [one["bare"].text for one in read.values()]
                    yield Found(name, _rule(group, everything), {"words": "”“".join(words)})


def _rule(group: Words, texts: Sequence[str]) -> str:
    excused = any(re.search(pattern, text) for pattern in group.unless for text in texts)
    return group.otherwise if excused and group.otherwise else group.rule


def _spans(text: str, wording: Wording, reading: Reading) -> dict[int, Spans]:
    """Return where the words of each group stand, by the group's place."""
    groups, places = wording.groups, wording.beginnings[reading]
    common = wording.common if reading == "bare" else {}
    spans: dict[int, Spans] = {}
    for at, char in enumerate(text):
        if (candidates := places.get(char)) is None or (char in common and not common[char].match(text, at)):
            continue
        for place in candidates:
            if (earlier := spans.get(place)) and at < earlier[-1][1]:
                continue
            if match := groups[place].pattern.match(text, at):
                spans.setdefault(place, []).append(match.span())
    return {place: spans[place] for place in sorted(spans)}


def _dishonest(folded: Folded, spans: Spans, group: Words, denials: Denials) -> list[str]:
    """Return which of the words found are not honest, as they were written, each once and not too many."""
    text = folded.text
    honest = [match.span() for match in group.honestly.finditer(text)] if group.honestly else []
    words: dict[str, None] = {}
    told, denied = 0, 0
    for start, end in _outside(spans, honest):
        if group.deniable and denied < MOST_DENIED and denials.denied(text, start, end):
            denied += 1
            continue
        told += 1
        words[folded.words(start, end)] = None
        if told == MOST_TOLD:
            break
    return list(words)


def _outside(spans: Spans, honest: Spans) -> Iterator[tuple[int, int]]:
    """Yield the spans that lie within none of the honest ones; both stand in order, the honest apart."""
    later = iter(honest)
    begin, stop = next(later, (0, -1))
    for start, end in spans:
        while 0 <= stop < end and stop <= start:
            begin, stop = next(later, (0, -1))
        if not (begin <= start and end <= stop):
            yield start, end
