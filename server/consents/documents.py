"""What people consent to: dated content, one file for each version of a document."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field

from server.kernel.content import Content, ContentError, read

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Words = Annotated[str, Field(min_length=1)]


class Scope(Content):
    """One thing that may be consented to by itself; without an optional one everything else works all the same."""

    id: Slug
    title: Words
    text: Words
    needed: bool


class Document(Content):
    """One version of a document. A new version asks everyone anew, so a mere correction of words keeps its number."""

    id: Slug
    version: Annotated[str, Field(pattern=r"^[0-9]{1,4}(\.[0-9]{1,4})?$")]
    effective_from: date
    title: Words
    text: Words
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]

    def scope(self, scope_id: str) -> Scope | None:
        """Return one of its scopes, None where it has no such."""
        return next((scope for scope in self.scopes if scope.id == scope_id), None)


class Documents:
    """Every version of every document."""

    def __init__(self, versions: Sequence[Document]) -> None:
        self._versions = sorted(versions, key=lambda document: (document.id, document.effective_from))

    def on(self, day: date) -> tuple[Document, ...]:
        """Return the versions in force on `day`, one for each document, by id."""
        return tuple({one.id: one for one in self._versions if one.effective_from <= day}.values())

    def find(self, document_id: str, day: date) -> Document | None:
        """Return the version of a document in force on `day`, None where there is none."""
        return next((document for document in self.on(day) if document.id == document_id), None)


def load(content_dir: Path) -> Documents:
    """Return all documents; raises ContentError."""
    paths = sorted((content_dir / "consents").glob("*.yaml"))
    versions = {path: read(Document, path) for path in paths}
    if faults := list(_faults(versions)):
        raise ContentError(faults)
    return Documents(list(versions.values()))


def _faults(versions: dict[Path, Document]) -> Iterator[str]:
    seen = set[tuple[str, object]]()
    for path, document in versions.items():
        if path.stem != f"{document.id}-{document.version}":
            yield f"{path}: must be named after its id and version"
        if (document.id, document.effective_from) in seen:
            yield f"{path}: another version takes effect on the same day"
        seen.add((document.id, document.effective_from))
        scopes = [scope.id for scope in document.scopes]
        if len(set(scopes)) < len(scopes):
            yield f"{path}: a scope is there twice"
