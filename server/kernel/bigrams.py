"""Texts as they are compared, and the pieces by which they are found.

Word segmentation misses words that it cuts differently, so the pieces are our own: every two neighbouring characters,
and the last character alone. One character is looked up as the beginning of a piece; a phrase of two is a piece; of a
longer one all pairs are, and the texts that have them are read to see whether they stand together.

Texts and questions are compared without regard to case and to the width and form of characters (NFKC): `ａｂ` finds
`AB`, `①` finds `1`. Blanks part a question into phrases, all of which must occur.
"""

import unicodedata
from collections.abc import Iterator
from itertools import pairwise


def fold(text: str) -> str:
    """Return `text` as it is compared: NFKC, without case, runs of blanks as one space, none at the ends."""
    return " ".join(compared(text).split())


def compared(text: str) -> str:
    """Fold without touching blanks; twice, because what has lost its case may compose anew."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def tokens(folded: str) -> Iterator[str]:
    """Yield the pieces of a folded text, the same ones as often as they occur."""
    for run in folded.split():
        yield from pairs(run)
        yield run[-1]


def pairs(run: str) -> Iterator[str]:
    """Yield every two neighbouring characters."""
    return map("".join, pairwise(run))
