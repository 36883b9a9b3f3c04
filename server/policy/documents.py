"""Official documents and their clauses, told in our own words."""

import re
from datetime import date
from typing import Literal, Self

from pydantic import computed_field, model_validator

from server.kernel.content import Content
from server.kernel.dates import PolicyDate

Jurisdiction = Literal["340800", "431000"]
"""The GB/T 2260 code of the city whose document it is."""

Standing = Literal["current", "unconfirmed", "other_city"]

Kind = Literal["goals", "clauses", "subclauses", "safeguards", "remarks"]
_KINDS: dict[str, Kind] = {"g": "goals", "s": "safeguards", "r": "remarks"}


class Clause(Content):
    """One numbered part of a document. `id` is `aq-2024-91/15` and never changes."""

    id: str
    heading: str
    """The heading of the part of the document in which it stands."""
    title: str
    summary: str
    printed_number: str | None = None
    """What the document prints, where that differs from `number`."""
    governed_by: tuple[str, ...] = ()
    """Ids of later clauses that govern the same matter from their force on."""
    narrows: tuple[str, ...] = ()
    """Ids of earlier clauses that went further than this one does."""
    lead: tuple[str, ...] = ()
    """Departments that lead a task, as the document assigns it; empty where it assigns none."""
    supporting: tuple[str, ...] = ()
    """Departments that support it."""
    carried_out_by: tuple[str, ...] = ()
    """Who carries it out."""
    deadline: PolicyDate | None = None
    """By when a task is to be done, that day, month or year included."""
    standing_task: bool = False
    """Whether the document sets no end to the task but demands a goal for every year."""
    note: str | None = None
    """What the printed text has otherwise or leaves open, and how it is read here."""

    @model_validator(mode="after")
    def _task_is_whole(self) -> Self:
        if self.deadline and self.standing_task:
            raise ValueError(f"{self.id}: a task has a deadline or stands, not both")
        if (self.deadline or self.standing_task or self.carried_out_by or self.supporting) and not self.lead:
            raise ValueError(f"{self.id}: nobody leads the task")
        return self

    @computed_field  # type: ignore[prop-decorator]  # pydantic's documented order
    @property
    def number(self) -> str:
        """The part of the id after its document: `15`, `5.2`, `g1`, `s3`, `r2`."""
        return self.id.partition("/")[2]

    @property
    def kind(self) -> Kind:
        """Tell what it is by its number."""
        return "subclauses" if "." in self.number else _KINDS.get(self.number[0], "clauses")


class PolicyHead(Content):
    """What identifies an official document. An unknown `effective_to` means that it states no end."""

    id: str
    number: str | None
    title: str
    issuer: str | None
    jurisdiction: Jurisdiction
    issued_on: PolicyDate
    effective_from: PolicyDate
    effective_to: PolicyDate
    standing: Standing
    governed_by: tuple[str, ...] = ()
    """Ids of later documents that govern, from their force on, the matters they name. None of them repeals it."""


class Preamble(Content):
    """What a document says before its first clause, where that sets a goal or a figure."""

    heading: str
    summary: str


class Policy(PolicyHead):
    """An official document with its parts."""

    complete: bool
    """False while only some of its clauses are told here."""
    counts: dict[Kind, int]
    """How many parts of each kind the document has."""
    labels: dict[Kind, str]
    """How a part of each kind is named in Chinese; `{0}`, `{1}` are the figures of its number."""
    names: tuple[str, ...] = ()
    """Proper names and fixed terms that its summaries repeat as they are."""
    preamble: Preamble | None = None
    notes: tuple[str, ...] = ()
    recheck_by: date
    clauses: tuple[Clause, ...]

    @model_validator(mode="after")
    def _clauses_belong(self) -> Self:
        ids = [clause.id for clause in self.clauses]
        faults = [f"{clause} is given twice" for clause in sorted({i for i in ids if ids.count(i) > 1})]
        for clause in self.clauses:
            if not re.fullmatch(re.escape(self.id) + r"/([gsr]?[1-9]\d*|[1-9]\d*\.[1-9]\d*)", clause.id, re.ASCII):
                faults.append(f"{clause.id} is no clause id here")
            elif clause.kind not in self.labels:
                faults.append(f"no label for {clause.kind}")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def label(self, clause: Clause | None) -> str:
        """Return the Chinese name by which a clause is cited, or what stands before the first one."""
        if clause is not None:
            part = self.labels[clause.kind].format(*re.findall(r"\d+", clause.number))
        else:
            part = self.preamble.heading if self.preamble else ""
        return f"{self.number or self.title} {part}".rstrip()
