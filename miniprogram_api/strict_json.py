"""JSON that means one thing only."""

import json
from typing import Any

import orjson

DEPTH_LIMIT = 32


class UnreadableJsonError(Exception):
    """The text is not JSON, or can be read in more than one way."""


def check(raw: bytes) -> None:
    """Raise UnreadableJsonError unless `raw` is UTF-8 JSON without NaN, doubled keys, NUL or absurd nesting.

    orjson refuses what the standard library lets through (NaN, lone surrogates, leading zeros); the standard
    library shows the keys that orjson silently merges.
    """
    try:
        _measure(orjson.loads(raw), DEPTH_LIMIT)
        json.loads(raw, object_pairs_hook=_single_keys)
    except (ValueError, RecursionError) as error:
        raise UnreadableJsonError(str(error)) from None


def _single_keys(pairs: list[tuple[str, Any]]) -> None:
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("a key stands twice")


def _measure(value: Any, depth: int) -> None:
    if depth == 0:
        raise ValueError("nested too deeply")
    if isinstance(value, str) and "\0" in value:
        raise ValueError("a NUL character")
    if isinstance(value, dict):
        for key, item in value.items():
            _measure(key, depth)
            _measure(item, depth - 1)
    elif isinstance(value, list):
        for item in value:
            _measure(item, depth - 1)
