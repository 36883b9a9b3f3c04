"""Search over texts held in memory: every place where a phrase occurs, also in the middle of a sentence.

What is compared with what, and by which pieces, says `server.kernel.bigrams`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, reduce
from html import escape
from itertools import accumulate
from operator import and_, or_
from typing import Generic, Protocol, TypeVar

from server.kernel.bigrams import compared, fold, pairs, tokens

BEFORE_MATCH = 16
SNIPPET_CHARACTERS = 72


class Searchable(Protocol):
    """What can be found."""

    @property
    def title(self) -> str:
        """Where a phrase counts most."""

    @property
    def text(self) -> str:
        """Everything else."""


Entry = TypeVar("Entry", bound=Searchable)


class Index(Generic[Entry]):
    """Entries by the tokens of their titles and texts; read-only once made.

    A token's entries are the bits of one integer: for some thousand entries that is small, and entries that have
    several tokens are one `&` away.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        """Index `entries`; of equal finds the earlier entry comes first."""
        self._entries = tuple(entries)
        self._titles = [compared(entry.title) for entry in entries]
        self._texts = [compared(entry.text) for entry in entries]
        self._having: dict[str, int] = {}
        for number, fields in enumerate(zip(self._titles, self._texts, strict=True)):
            for token in {token for field in fields for token in tokens(field)}:
                self._having[token] = self._having.get(token, 0) | 1 << number
        self._tokens = sorted(self._having)

    def find(self, question: str) -> list[Entry]:
        """Return the entries in which every phrase of `question` occurs, those with most of them in the title first."""
        phrases = fold(question).split()
        if not phrases:
            return []
        candidates = _bits(reduce(and_, map(self._candidates, phrases)))
        numbers = [number for number in candidates if all(self._occurs(phrase, number) for phrase in phrases)]
        numbers.sort(key=lambda number: sum(phrase not in self._titles[number] for phrase in phrases))
        return [self._entries[number] for number in numbers]

    def _candidates(self, phrase: str) -> int:
        if len(phrase) == 1:
            return reduce(or_, (self._having[token] for token in self._beginning_with(phrase)), 0)
        return reduce(and_, (self._having.get(pair, 0) for pair in pairs(phrase)))

    def _beginning_with(self, character: str) -> Iterator[str]:
        for place in range(bisect_left(self._tokens, character), len(self._tokens)):
            if self._tokens[place][0] != character:
                return
            yield self._tokens[place]

    def _occurs(self, phrase: str, number: int) -> bool:
        return phrase in self._titles[number] or phrase in self._texts[number]


def snippet(title: str, text: str, question: str) -> str:
    """Return the piece of `text` around the first phrase of `question`, or `title` where only that has one.

    It is HTML: escaped, with `<mark>` around every phrase. Ellipses stand where the text goes on.
    """
    phrases = fold(question).split()
    shown, spans = _spans(text, phrases)
    if not spans:
        shown, spans = _spans(title, phrases)
    first = spans[0] if spans else (0, 0)
    start = max(0, first[0] - BEFORE_MATCH)
    end = max(first[1], start + SNIPPET_CHARACTERS)
    whole = [span for span in spans if span[1] <= end]
    return ("…" if start else "") + _marked(shown[:end], start, whole) + ("…" if end < len(shown) else "")


_fold_character = lru_cache(maxsize=8192)(compared)


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _spans(text: str, phrases: Iterable[str]) -> tuple[str, list[tuple[int, int]]]:
    """Return the text to show, and where in it phrases occur: in order, none touching another.

    The text is shown as written where each character folds by itself, else (letters and accents apart) as folded.
    """
    folded, parts = compared(text), list(map(_fold_character, text))
    if "".join(parts) != folded:
        text, parts = folded, list(folded)
    spans = sorted(span for phrase in phrases for span in _occurrences(folded, phrase))
    if len(folded) != len(text):
        ends = list(accumulate(map(len, parts)))
        spans = [(bisect_right(ends, start), bisect_right(ends, end - 1) + 1) for start, end in spans]
    return text, list(_merged(spans))


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Join spans that overlap or touch; they come in order."""
    last: tuple[int, int] | None = None
    for start, end in spans:
        if last and start <= last[1]:
            last = last[0], max(last[1], end)
            continue
        if last:
            yield last
        last = start, end
    if last:
        yield last


def _occurrences(folded: str, phrase: str) -> Iterator[tuple[int, int]]:
    start = folded.find(phrase)
    while start >= 0:
        yield start, start + len(phrase)
        start = folded.find(phrase, start + 1)


def _marked(text: str, start: int, spans: Iterable[tuple[int, int]]) -> str:
    pieces = []
    for first, behind in spans:
        pieces += [escape(text[start:first], quote=False), f"<mark>{escape(text[first:behind], quote=False)}</mark>"]
        start = behind
    return "".join(pieces) + escape(text[start:], quote=False)
