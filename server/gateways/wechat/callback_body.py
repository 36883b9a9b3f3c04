"""Reading what WeChat posts: XML or JSON, one shape whichever it was.

Every scalar comes out as text, since WeChat sends the same figure now as a number and now as a string. `List` comes
out at the top and as an array: XML nests it under the event's name, and both leave the array away where there is one
item.
"""

import json
from typing import Any
from xml.parsers import expat

DEPTH_LIMIT = 8
"""WeChat's own nest three deep."""
ELEMENT_LIMIT = 1000
"""Of XML, which anybody may send and which costs a thousandth of a second for every few hundred."""

Message = dict[str, Any]
"""Texts, objects and arrays of them by name."""


class UnreadableBodyError(Exception):
    """The body is neither XML nor JSON as WeChat writes it."""


def read(raw: bytes) -> Message:
    """Return what `raw` says; raises UnreadableBodyError for whatever is malformed, ambiguous or nested absurdly."""
    try:
        found = _xml(raw) if raw.lstrip()[:1] == b"<" else _json(raw)
    except (ValueError, RecursionError, expat.ExpatError):
        raise UnreadableBodyError from None
    return _flat(found)


def _json(raw: bytes) -> Message:
    """Read JSON whose figures stay the text that was sent, so that none is too large or loses digits."""
    found = json.loads(
        raw.decode(), object_pairs_hook=_single_keys, parse_int=str, parse_float=str, parse_constant=_refuse
    )
    if not isinstance(found, dict):
        raise UnreadableBodyError
    return {name: _plain(item, DEPTH_LIMIT) for name, item in found.items()}


def _single_keys(pairs: list[tuple[str, Any]]) -> Message:
    found = {_text(key): value for key, value in pairs}
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _plain(value: Any, depth: int) -> Any:
    if depth == 0:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        return {name: _plain(item, depth - 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, depth - 1) for item in value]
    if isinstance(value, bool):
        return str(value).lower()
    return _text(value or "")


def _text(value: str) -> str:
    """Return a text that both databases take: without NUL, without half a character."""
    value.encode()
    if "\0" in value:
        raise ValueError("a NUL character")
    return value


def _xml(raw: bytes) -> Message:
    """Read XML without anything of its own making: no document type, hence no entity, inside or from elsewhere."""
    parser = expat.ParserCreate("UTF-8")
    builder = _Builder()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.StartElementHandler = builder.start
    parser.CharacterDataHandler = builder.text
    parser.EndElementHandler = builder.end
    parser.Parse(raw, True)  # noqa: FBT003 -- expat takes no name for it: this is all there is
    found = builder.root.get("xml")
    if not isinstance(found, dict):
        raise UnreadableBodyError
    return found


class _Builder:
    """Makes objects of elements: a leaf is its text, a name that comes again makes an array."""

    def __init__(self) -> None:
        self.root: Message = {}
        self._elements = 0
        self._open: list[tuple[Message, list[str]]] = [(self.root, [])]

    def refuse(self, *_declaration: Any) -> None:
        raise ValueError("a document type")

    def start(self, _name: str, _attributes: Any) -> None:
        self._elements += 1
        if len(self._open) > DEPTH_LIMIT or self._elements > ELEMENT_LIMIT:
            raise ValueError("nested too deeply, or too much")
        self._open.append(({}, []))

    def text(self, data: str) -> None:
        self._open[-1][1].append(data)

    def end(self, name: str) -> None:
        children, texts = self._open.pop()
        text = "".join(texts).strip()
        if children and text:
            raise ValueError("text between elements")
        _add(self._open[-1][0], name, children or text)


def _add(parent: Message, name: str, value: Any) -> None:
    if name not in parent:
        parent[name] = value
    elif isinstance(parent[name], list):
        parent[name].append(value)
    else:
        parent[name] = [parent[name], value]


def _flat(message: Message) -> Message:
    """Put the one nested `List` at the top, and make an array of one item alone."""
    nested = [name for name, value in message.items() if isinstance(value, dict) and set(value) == {"List"}]
    if len(nested) == 1 and "List" not in message:
        message["List"] = message.pop(nested[0])["List"]
    if "List" in message and not isinstance(message["List"], list):
        message["List"] = [message["List"]]
    return message
