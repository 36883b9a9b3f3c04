"""What content promises about itself: worked cases that come out, documents told in full, dates to look again."""

from collections.abc import Iterator
from datetime import date

from server.policy.book import PolicyBook
from server.policy.documents import Kind, Policy
from server.policy.programmes import Case, Programme
from server.policy.rules import decide
from server.policy.telling import item


def faults(book: PolicyBook) -> Iterator[str]:
    """Yield every worked case that comes out otherwise and every gap in a document's numbering."""
    for programme in book.programmes.values():
        for case in programme.cases:
            yield from (
                f"programmes/{programme.id}: {case.name}: {fault}" for fault in faults_of_case(book, programme, case)
            )
    for policy in book.policies.values():
        yield from (f"policies/{policy.id}: {fault}" for fault in faults_of_numbering(policy))


def faults_of_case(book: PolicyBook, programme: Programme, case: Case) -> Iterator[str]:
    """Yield how the rules' answer differs from what a worked case expects."""
    decided = decide(book.terms[programme.id], case.facts, case.on)
    answer = item(book, programme, decided)
    compared = {
        "verdict": (case.verdict, answer.verdict),
        "amount_fen": (case.amount_fen, answer.amount_fen),
        "total_fen": (case.total_fen, answer.total_fen),
        "fails": (set(case.fails), {check.fact for check in answer.checks if check.ok is False}),
        "asks": (set(case.asks), set(decided.asks)),
        "warns": (set(), set(case.warns) - {warning.code for warning in answer.warnings}),
    }
    for name, (expected, got) in compared.items():
        if expected != got:
            yield f"{name} is {got}, expected {expected}"


def faults_of_numbering(policy: Policy) -> Iterator[str]:
    """Yield what is missing or too much by the document's own counts; an incomplete one may lack parts."""
    for kind in sorted({clause.kind for clause in policy.clauses} | set(policy.counts)):
        if kind == "subclauses":
            yield from _faults_of_subclauses(policy)
            continue
        numbers, expected = _numbers(policy, kind), set(range(1, policy.counts.get(kind, 0) + 1))
        if extra := sorted(numbers - expected):
            yield f"{kind} {extra} are beyond the count"
        if policy.complete and (missing := sorted(expected - numbers)):
            yield f"{kind} {missing} are missing"


def overdue(book: PolicyBook, today: date) -> Iterator[str]:
    """Yield what should have been looked at again by now."""
    for folder, items in (("policies", book.policies), ("programmes", book.programmes)):
        for name, thing in items.items():
            if thing.recheck_by < today:
                yield f"{folder}/{name}: recheck was due by {thing.recheck_by}"


def _numbers(policy: Policy, kind: Kind) -> set[int]:
    return {int(clause.number.lstrip("gsr")) for clause in policy.clauses if clause.kind == kind}


def _faults_of_subclauses(policy: Policy) -> Iterator[str]:
    parts = [clause.number.split(".") for clause in policy.clauses if clause.kind == "subclauses"]
    for parent in sorted({parent for parent, _ in parts}):
        numbers = sorted(int(number) for above, number in parts if above == parent)
        if int(parent) not in _numbers(policy, "clauses"):
            yield f"subclauses of {parent}, which is missing"
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"subclauses of {parent} are numbered {numbers}"
