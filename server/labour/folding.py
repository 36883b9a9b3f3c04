"""Texts as words are looked for in them: whatever may be strewn between characters is gone, and each knows its place.

`押 - 金`, `押*金`, `押㊎` and `押金` are to be the same; so width, case, blanks, signs and traditional characters do
not count. Marks that end a part of a sentence stay, so that no word is found across them.
"""

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping

from server.kernel.bigrams import compared

ENDS = "。!?;,、:\n"
"""What ends a part of a sentence, in the width in which it is compared."""
_UNSEEN = frozenset({"Cf", "Mn", "Me", "Cc"})
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that show nothing."""
_MOST_KEPT = 30_000


class Reading(dict[int, str], ABC):
    """How each character is read, by its code; `str.translate` asks, and what was asked is kept."""

    def __missing__(self, code: int) -> str:
        read = self.read(chr(code))
        if len(self) < _MOST_KEPT:
            self[code] = read
        return read

    @abstractmethod
    def read(self, char: str) -> str:
        """Return what a character counts for, perhaps nothing."""


def _shown(char: str) -> str:
    return "" if char in _BLANK else compared(char)


class Bare(Reading):
    """Letters, figures and the ends of parts of sentences; `simplified` are characters by their other forms."""

    def __init__(self, simplified: Mapping[str, str]) -> None:
        super().__init__({ord(char): plain for char, plain in simplified.items()})

    def read(self, char: str) -> str:
        """Leave out blanks and signs."""
        return "".join(one for one in _shown(char) if one in ENDS or unicodedata.category(one)[0] in "LN")


class Seen(Reading):
    """Everything that can be seen, so that numbers, addresses and links keep their shape."""

    def read(self, char: str) -> str:
        """Leave out what cannot be seen by itself."""
        return "".join(one for one in _shown(char) if one == "\n" or unicodedata.category(one) not in _UNSEEN)


class Folded:
    """A text without what does not count, and how to get back to what was written."""

    def __init__(self, said: str, reading: Reading) -> None:
        self.text = said.translate(reading)
        self._said, self._reading = said, reading
        self._origin: list[int] = []

    def words(self, start: int, end: int) -> str:
        """Return what was written where `text[start:end]`, which is not empty, was read."""
        if not self._origin:
            self._origin = [at for at, char in enumerate(self._said) for _ in self._reading[ord(char)]]
        return self._said[self._origin[start] : self._origin[end - 1] + 1]
