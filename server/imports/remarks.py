"""What is said about one value of a row or a body: which field, what about it, and never the value itself."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class Remark:
    """A fault, or what somebody should look at.

    `field` is the name of a field; `code` names a sentence of `content/problems.yaml` under `faults`, into which
    `facts` are filled: numbers and texts that JSON can hold, and nothing that the sender wrote.
    """

    field: str
    code: str
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
