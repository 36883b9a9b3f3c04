"""Two documents side by side, subject by subject: what stayed, what changed, what the later one leaves unsaid.

An earlier document is compared with the later one that governs what it names (`governed_by`), not the other way round.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from server.kernel.content import Content, ContentError, read
from server.kernel.errors import FieldFault, invalid
from server.policy.book import PolicyBook
from server.policy.documents import PolicyHead

Outcome = Literal["kept", "changed", "narrowed", "silent", "new"]

SEPARATOR = "、"


class Subject(Content):
    """One subject of `content/reference/comparison.yaml`: where it stands in each document, and what became of it.

    `was` is what the earlier documents say, `now` what the later one does; null where there is nothing.
    """

    id: str
    title: str
    clauses: dict[str, tuple[str, ...]]
    """Policy id to the ids of its clauses."""
    verdict: Outcome
    was: str | None
    now: str | None


class Comparison(Content):
    """`content/reference/comparison.yaml`."""

    subjects: tuple[Subject, ...]


class ComparedClause(Content):
    """A clause and how it is cited in Chinese."""

    id: str
    label: str
    title: str


class ComparedSubject(Content):
    """One subject of two documents, in Chinese: what `was` and what is `now`, each with its clauses.

    `kept`: as before. `changed`: both figures are told. `narrowed`: it holds for fewer. `silent`: the later document
    does not mention it, `now` is null. `new`: the earlier one did not, `was` is null.
    """

    id: str
    title: str
    verdict: Outcome
    was: str | None
    was_clauses: tuple[ComparedClause, ...]
    now: str | None
    now_clauses: tuple[ComparedClause, ...]


class Compared(Content):
    """`GET /policies/compare`: the two documents and every subject of either."""

    earlier: Annotated[PolicyHead, Field(serialization_alias="from")]
    later: Annotated[PolicyHead, Field(serialization_alias="to")]
    items: tuple[ComparedSubject, ...]


def load(content_dir: Path, book: PolicyBook) -> Comparison:
    """Return the comparison in `reference/comparison.yaml`; raises ContentError with every fault."""
    path = content_dir / "reference" / "comparison.yaml"
    found = read(Comparison, path)
    if faults := [f"{path}: {fault}" for fault in _faults(found.subjects, book)]:
        raise ContentError(faults)
    return found


def compare(book: PolicyBook, comparison: Comparison, earlier: str, later: str) -> Compared:
    """Return `earlier` and `later` side by side; raises DomainError 422 naming each id that cannot be compared."""
    asked = {"?from": earlier, "?to": later}
    if faults := [
        FieldFault(field, "unknown_policy") for field, policy in asked.items() if policy not in book.policies
    ]:
        raise invalid(*faults)
    if earlier == later:
        raise invalid(FieldFault("?to", "same_policy"))
    compared = list(pairs(book, comparison))
    if (earlier, later) not in compared:
        told = SEPARATOR.join(f"from={one}&to={other}" for one, other in compared)
        raise invalid(FieldFault("?to", "not_compared", {"pairs": told}))
    subjects = [subject for subject in comparison.subjects if _concerns(subject, earlier, later)]
    return Compared(
        earlier=book.policies[earlier],
        later=book.policies[later],
        items=tuple(_told(subject, book, earlier, later) for subject in subjects),
    )


def pairs(book: PolicyBook, comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Yield the documents that can be compared, the earlier first."""
    for policy in book.policies.values():
        if any(policy.id in subject.clauses for subject in comparison.subjects):
            yield from ((policy.id, later) for later in policy.governed_by)


def _concerns(subject: Subject, earlier: str, later: str) -> bool:
    return earlier in subject.clauses or (subject.verdict == "new" and later in subject.clauses)


def _told(subject: Subject, book: PolicyBook, earlier: str, later: str) -> ComparedSubject:
    return ComparedSubject(
        id=subject.id,
        title=subject.title,
        verdict=subject.verdict,
        was=subject.was,
        was_clauses=_cited(subject.clauses.get(earlier, ()), book),
        now=subject.now,
        now_clauses=_cited(subject.clauses.get(later, ()), book),
    )


def _cited(clauses: Iterable[str], book: PolicyBook) -> tuple[ComparedClause, ...]:
    return tuple(ComparedClause(id=c, label=book.label(c), title=book.clauses[c].title) for c in clauses)


def _faults(subjects: Iterable[Subject], book: PolicyBook) -> Iterator[str]:
    ids: set[str] = set()
    for subject in subjects:
        if subject.id in ids:
            yield f"{subject.id} is given twice"
        ids.add(subject.id)
        for fault in (*_faults_of_clauses(subject, book), *_faults_of_verdict(subject, book)):
            yield f"{subject.id}: {fault}"


def _faults_of_clauses(subject: Subject, book: PolicyBook) -> Iterator[str]:
    for policy, clauses in subject.clauses.items():
        if policy not in book.policies:
            yield f"policy {policy} is nowhere"
        for clause in clauses:
            if clause not in book.clauses or clause.partition("/")[0] != policy:
                yield f"clause {clause} is not one of {policy}"


def _faults_of_verdict(subject: Subject, book: PolicyBook) -> Iterator[str]:
    """Yield what a verdict promises and the subject does not hold."""
    policies = [book.policies[policy] for policy in subject.clauses if policy in book.policies]
    in_both = any(later in subject.clauses for policy in policies for later in policy.governed_by)
    if in_both != (subject.verdict in {"kept", "changed", "narrowed"}):
        yield f"{subject.verdict} does not fit the documents it names"
    if (subject.was is None) != (subject.verdict == "new"):
        yield "what was is told, and only a new subject has none"
    if (subject.now is None) != (subject.verdict == "silent"):
        yield "what is now is told, and only where the later document is silent there is nothing"
    if subject.was is not None and subject.was == subject.now and subject.verdict != "kept":
        yield f"{subject.verdict}, although both say the same"
