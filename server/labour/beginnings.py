"""With which characters a regular expression can begin: it is tried only where one of them stands.

Trying hundreds of expressions at every character of a long text takes far longer than looking its characters up.
"""

import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any

_parser = import_module("re._parser")  # untyped; the only way to read an expression that is not to read it oneself
_CLASSES = {
    "CATEGORY_DIGIT": frozenset("0123456789"),
    "CATEGORY_WORD": frozenset("0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "CATEGORY_SPACE": frozenset(" \t\n\r\f\v"),
}
_NOTHING = {"AT", "ASSERT", "ASSERT_NOT"}
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}


def beginnings(pattern: str) -> frozenset[str]:
    """Return every character with which a match of `pattern`, read as ASCII, can begin.

    Raises ValueError where it can begin with anything, or match nothing at all.
    """
    characters, can_be_empty = _of_all(_parser.parse(pattern, re.ASCII))
    if can_be_empty:
        raise ValueError(f"{pattern!r} is found in nothing")
    return frozenset(characters)


def _of_all(items: Iterable[Any]) -> tuple[set[str], bool]:
    """Return the first characters of a row of items, and whether all of them may be left out."""
    characters = set[str]()
    for operator, argument in items:
        if str(operator) in _NOTHING:
            continue
        more, can_be_empty = _of(str(operator), argument)
        characters |= more
        if not can_be_empty:
            return characters, False
    return characters, True


def _of(operator: str, argument: Any) -> tuple[set[str], bool]:
    if operator == "LITERAL":
        return {chr(argument)}, False
    if operator == "IN":
        return set().union(*(_of_set(str(kind), value) for kind, value in argument)), False
    if operator == "BRANCH":
        found = [_of_all(branch) for branch in argument[1]]
        return set().union(*(characters for characters, _ in found)), any(empty for _, empty in found)
    if operator in _REPEATS:
        characters, can_be_empty = _of_all(argument[2])
        return characters, can_be_empty or argument[0] == 0
    if operator == "SUBPATTERN":
        return _of_all(argument[-1])
    raise ValueError(f"an expression may not begin with {operator}")


def _of_set(kind: str, value: Any) -> set[str]:
    if kind == "LITERAL":
        return {chr(value)}
    if kind == "RANGE":
        return {chr(code) for code in range(value[0], value[1] + 1)}
    if kind == "CATEGORY" and str(value) in _CLASSES:
        return set(_CLASSES[str(value)])
    raise ValueError(f"an expression may not begin with {kind} {value}")
