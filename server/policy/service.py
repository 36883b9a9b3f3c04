"""Questions to the policy book. It is read only; every date is handed in.

Each function raises DomainError: 404 for an unknown id, 422 for facts that are no answers.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from server.kernel.dates import within
from server.kernel.errors import FieldFault, found, invalid
from server.policy import rules
from server.policy.answers import Checked, ClauseAnswer, ProgrammeAnswer
from server.policy.book import PolicyBook, load
from server.policy.documents import Jurisdiction, Policy
from server.policy.facts import Fact, pointer_to
from server.policy.programmes import Audience, Programme
from server.policy.targets import TargetAnswer, TargetKind, answered, holds
from server.policy.telling import item, told

__all__ = [
    "PolicyBook",
    "check",
    "clause",
    "load",
    "policies",
    "policy",
    "programme",
    "programmes",
    "questions",
    "targets",
]


def policies(
    book: PolicyBook, *, jurisdiction: Jurisdiction | None = None, on: date | None = None
) -> tuple[Policy, ...]:
    """Return the documents, without those that are surely not in force `on` that day."""
    return tuple(
        policy
        for policy in book.policies.values()
        if jurisdiction in {None, policy.jurisdiction}
        and (on is None or within(policy.effective_from, policy.effective_to, on) is not False)
    )


def policy(book: PolicyBook, policy_id: str) -> Policy:
    """Return one document with its clauses."""
    return found(book.policies.get(policy_id), "policy")


def clause(book: PolicyBook, policy_id: str, number: str) -> ClauseAnswer:
    """Return one clause of a document, with the programmes that follow from it or from its sub-clauses."""
    head = policy(book, policy_id)
    part = found(book.clauses.get(f"{policy_id}/{number}"), "clause")
    within_part = f"{part.id}."
    follow = [p.id for p in book.programmes.values() if any(f"{v.clause}.".startswith(within_part) for v in p.versions)]
    return ClauseAnswer(**dict(part), label=head.label(part), programmes=tuple(follow), policy=head)


def programmes(
    book: PolicyBook,
    *,
    audience: Audience | None = None,
    jurisdiction: Jurisdiction | None = None,
    on: date | None = None,
) -> tuple[ProgrammeAnswer, ...]:
    """Return the programmes, without those that surely no version governs `on` that day."""
    return tuple(
        told(book, programme)
        for programme in _chosen(book, audience, jurisdiction)
        if on is None or rules.governing(book.terms[programme.id], on)[0] is not False
    )


def programme(book: PolicyBook, programme_id: str) -> ProgrammeAnswer:
    """Return one programme with all its versions."""
    return told(book, found(book.programmes.get(programme_id), "programme"))


def targets(
    book: PolicyBook,
    *,
    jurisdiction: Jurisdiction | None = None,
    kind: TargetKind | None = None,
    on: date | None = None,
) -> tuple[TargetAnswer, ...]:
    """Return the targets, quotas, windows and duties, without those that surely do not hold `on` that day."""
    return tuple(
        answered(target, book.policies[target.policy])
        for target in book.targets.values()
        if jurisdiction in {None, target.jurisdiction}
        and kind in {None, target.kind}
        and (on is None or holds(target, book.policies[target.policy], on) is not False)
    )


def questions(
    book: PolicyBook, *, audience: Audience | None, jurisdiction: Jurisdiction | None, on: date
) -> tuple[Fact, ...]:
    """Return what is asked of someone of whom nothing is known; nothing where no version surely governs."""
    return check(book, audience=audience, jurisdiction=jurisdiction, on=on, facts={}).questions_left


def check(
    book: PolicyBook,
    *,
    audience: Audience | None,
    jurisdiction: Jurisdiction | None,
    on: date,
    facts: Mapping[str, Any],
) -> Checked:
    """Decide every chosen programme on one day; None chooses all.

    Raises 422 that lists each fact that is unknown (`unknown_fact`) or no answer to its question (`fact_*`).
    """
    if faults := tuple(_faults(book, facts)):
        raise invalid(*faults)
    chosen = _chosen(book, audience, jurisdiction)
    decided = {p.id: rules.decide(book.terms[p.id], facts, on) for p in chosen}
    asked = frozenset[str]().union(*(decision.asks for decision in decided.values()))
    return Checked(
        items=tuple(item(book, p, decided[p.id]) for p in chosen),
        questions_left=tuple(fact for fact in book.vocabulary.facts if fact.id in asked),
    )


def _chosen(book: PolicyBook, audience: Audience | None, jurisdiction: Jurisdiction | None) -> list[Programme]:
    return [
        programme
        for programme in book.programmes.values()
        if audience in {None, programme.audience} and jurisdiction in {None, programme.jurisdiction}
    ]


def _faults(book: PolicyBook, facts: Mapping[str, Any]) -> Iterator[FieldFault]:
    for name, value in facts.items():
        fact = book.vocabulary.fact(name)
        fault = fact.fault(value) if fact else FieldFault(pointer_to(name), "unknown_fact", {"name": name})
        if fault:
            yield fault
