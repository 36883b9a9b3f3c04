"""The one error a service raises, and the one way to say which field is wrong."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One field at fault.

    `pointer` is an RFC 6901 JSON pointer into the body (`/facts/class_size`) or the name of a query
    or path parameter (`?limit`). `code` names a sentence of `content/problems.yaml` under `faults`, into
    which `params` are filled. `label` is what people call the field, where `fields` there does not say it.
    """

    pointer: str
    code: str
    params: dict[str, Any] = field(default_factory=dict)
    label: str | None = None


class DomainError(Exception):
    """A refusal that the caller should understand.

    `slug` names a text of `content/problems.yaml` under `problems` and is the answer's `code`; `status` is the
    HTTP status; `faults` are the fields at fault; `facts` are filled into the text. A fact called `subject` (`kind:id`)
    is told beside the text too: the record that stands in the way, which is the caller's own to see.
    """

    def __init__(self, slug: str, status: int, faults: Iterable[FieldFault] = (), **facts: Any) -> None:
        super().__init__(slug)
        self.slug = slug
        self.status = status
        self.faults = tuple(faults)
        self.facts = facts


def invalid(*faults: FieldFault) -> DomainError:
    """Return the 422 that lists every field at fault."""
    return DomainError("invalid", 422, faults)


def not_found(what: str) -> DomainError:
    """Return the 404 for `what`, a Chinese noun of `content/problems.yaml` under `nouns`."""
    return DomainError("not_found", 404, what=what)


def found(thing: Thing | None, what: str) -> Thing:
    """Return `thing`; raise the 404 for `what` where it is None."""
    if thing is None:
        raise not_found(what)
    return thing
