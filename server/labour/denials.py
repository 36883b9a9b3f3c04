"""What is named only to say that it is not asked for: `不收押金` is honest, `不交押金不能上岗` is a threat."""

import re
from collections.abc import Iterable
from functools import cached_property

from server.kernel.content import Content
from server.labour.folding import ENDS

Patterns = tuple[str, ...]
_BEFORE, _AFTER = 48, 32
"""How far around a word a denial is looked for, in characters."""
_SENTENCE, _PART = re.compile(r".*[。!?;:\n]", re.DOTALL), re.compile(r".*[。!?;,:\n]", re.DOTALL)
_LIST = "、"


def one_of(patterns: Iterable[str]) -> str:
    """Return the expression that finds any of `patterns`, longer ones first."""
    return "|".join(sorted(patterns, key=len, reverse=True))


class Denial(Content):
    """How something is denied: `before` it and `after` it, with `between` in between; `threats` behind it undo that.

    `doubled` right before a denial turns it round. `warned` begins a warning of others who do such a thing, and
    `warning` ends it.
    """

    before: Patterns
    doubled: Patterns
    between: Patterns
    after: Patterns
    threats: Patterns
    warned: Patterns
    warning: Patterns


class Denials:
    """Denials of any of `words`, which may stand in one list: `不收押金、服装费`."""

    def __init__(self, denial: Denial, words: Iterable[str]) -> None:
        self._denial = denial
        self._listed = [*words, *denial.between, _LIST]

    @cached_property
    def _before(self) -> re.Pattern[str]:
        doubled = "".join(f"(?<!{word})" for word in self._denial.doubled)
        return re.compile(f"{doubled}(?:{one_of(self._denial.before)})", re.ASCII)

    @cached_property
    def _between(self) -> re.Pattern[str]:
        return re.compile(f"(?:{one_of(self._listed)})*+", re.ASCII)

    @cached_property
    def _between_commas(self) -> re.Pattern[str]:
        return re.compile(f"(?:{one_of([*self._listed, ','])})*+", re.ASCII)

    @cached_property
    def _after(self) -> re.Pattern[str]:
        return re.compile(one_of(self._denial.after), re.ASCII)

    @cached_property
    def _threat(self) -> re.Pattern[str]:
        return re.compile(one_of(self._denial.threats), re.ASCII)

    @cached_property
    def _warned(self) -> re.Pattern[str]:
        return re.compile(f"(?:{one_of(self._denial.warned)})[^。!?;\n]*$", re.ASCII)

    @cached_property
    def _warning(self) -> re.Pattern[str]:
        return re.compile(f"[^。!?;\n]*?(?:{one_of(self._denial.warning)})", re.ASCII)

    def denied(self, text: str, start: int, end: int) -> bool:
        """Whether what stands from `start` to `end` is said not to be asked for."""
        before, after = text[max(0, start - _BEFORE) : start], text[end : end + _AFTER]
        listed = self._between.match(after)
        rest = listed.end() if listed else 0
        if self._threat.match(after, rest):
            return False
        if self._after.match(after) or self._after.match(after, rest):
            return True
        if self._denied_before(before, in_list=not after or after[0] in ENDS):
            return True
        return bool(self._warned.search(before) and self._warning.match(after))

    def _denied_before(self, before: str, *, in_list: bool) -> bool:
        """Whether a denial leads up to a word; past commas only if nothing more is said of the word itself."""
        boundary = (_SENTENCE if in_list else _PART).match(before)
        between = self._between_commas if in_list else self._between
        begins = boundary.end() if boundary else 0
        return any(between.fullmatch(before, denial.end()) for denial in self._before.finditer(before, begins))
