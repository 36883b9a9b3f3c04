"""The words of a posting as both databases index them, and questions in their languages.

Pieces are written in hexadecimal, since the parsers of both databases drop or change emoji, `①`, `é` and `-1`, each
differently; of the encoding the first character of a piece is a whole prefix.
"""

from collections.abc import Sequence

from server.kernel.bigrams import fold, pairs, tokens

EXACT = 2
"""A phrase of so many characters is one piece; a longer one is read for in the text."""


def folded(*texts: str) -> str:
    """Return texts as one text to be read for phrases, which no blank is part of."""
    return " ".join(filter(None, map(fold, texts)))


def pieces(text: str) -> list[str]:
    """Return the pieces of a folded text, each once."""
    return sorted({piece.encode().hex() for piece in tokens(text)})


def to_read(phrases: Sequence[str]) -> list[str]:
    """Return the phrases that their pieces do not settle."""
    return [phrase for phrase in phrases if len(phrase) > EXACT]


def tsquery(phrases: Sequence[str]) -> str:
    """Return a question to PostgreSQL's `tsvector`."""
    return " & ".join(f"{word}:*" if prefix else word for word, prefix in _wanted(phrases))


def match(phrases: Sequence[str]) -> str:
    """Return a question to SQLite's FTS5."""
    return " AND ".join(f"{word}*" if prefix else word for word, prefix in _wanted(phrases))


def _wanted(phrases: Sequence[str]) -> list[tuple[str, bool]]:
    """Return the pieces that must be there, and of each whether only its beginning is known."""
    whole = {(pair.encode().hex(), False) for phrase in phrases for pair in pairs(phrase)}
    alone = {(phrase.encode().hex(), True) for phrase in phrases if len(phrase) == 1}
    return sorted(whole | alone)
