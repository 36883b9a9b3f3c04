"""The answers of our server, handed to the peers so that all send the same bytes."""

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

ARTICLE, LEAFLET, CHECK = "article", "leaflet", "check"


@dataclass(frozen=True, slots=True)
class Piece:
    """One answer: its body, and what its headers say about it."""

    body: bytes = b""
    content_type: str = "application/json"
    etag: str = ""
    cache_control: str = ""


def write(file: Path, pieces: Mapping[str, Piece]) -> None:
    """Keep `pieces` in `file`."""
    plain = {name: {**asdict(piece), "body": base64.b64encode(piece.body).decode()} for name, piece in pieces.items()}
    file.write_bytes(orjson.dumps(plain))


def read(file: Path) -> dict[str, Piece]:
    """Return what `write` kept; a piece that our server does not serve is empty."""
    plain = orjson.loads(file.read_bytes())
    found = {name: Piece(**{**piece, "body": base64.b64decode(piece["body"])}) for name, piece in plain.items()}
    return {name: found.get(name, Piece()) for name in (ARTICLE, LEAFLET, CHECK)}
