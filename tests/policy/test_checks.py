from datetime import date
from typing import Any

import pytest

from server.policy import checks
from server.policy.book import PolicyBook
from server.policy.documents import Clause, Policy


def renumbered(policy: Policy, numbers: list[str], **changes: Any) -> Policy:
    clauses = tuple(Clause(id=f"{policy.id}/{number}", heading="-", title="-", summary="-") for number in numbers)
    return policy.model_copy(update={"clauses": clauses, **changes})


def test_the_content_keeps_its_promises(book: PolicyBook) -> None:
    assert list(checks.faults(book)) == []


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (["1", "2", "g1"], []),
        (["1", "g1"], ["clauses [2] are missing"]),
        (["1", "2"], ["goals [1] are missing"]),
        (["1", "2", "3", "g1"], ["clauses [3] are beyond the count"]),
        (["1", "2", "g1", "s1"], ["safeguards [1] are beyond the count"]),
        (["1", "2", "2.1", "2.2", "g1"], []),
        (["1", "2", "2.1", "2.3", "g1"], ["subclauses of 2 are numbered [1, 3]"]),
    ],
)
def test_a_complete_document_has_what_it_counts(book: PolicyBook, numbers: list[str], words: list[str]) -> None:
    policy = renumbered(book.policies["aq-2024-91"], numbers, counts={"clauses": 2, "goals": 1})
    assert list(checks.faults_of_numbering(policy)) == words


def test_an_incomplete_document_may_lack_parts_but_no_parent(book: PolicyBook) -> None:
    old = book.policies["aq-2019-7"].model_copy(update={"complete": False})
    assert list(checks.faults_of_numbering(renumbered(old, ["5"]))) == []
    assert list(checks.faults_of_numbering(renumbered(old, ["5.1"]))) == ["subclauses of 5, which is missing"]
    assert list(checks.faults_of_numbering(renumbered(old, ["9"]))) == ["clauses [9] are beyond the count"]


def test_the_2024_document_is_told_in_full(book: PolicyBook) -> None:
    policy = book.policies["aq-2024-91"]
    kinds = [clause.kind for clause in policy.clauses]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"goals": 3, "clauses": 19, "safeguards": 3}


def test_what_should_have_been_rechecked_is_told_from_the_next_day(book: PolicyBook) -> None:
    assert list(checks.overdue(book, date(2027, 6, 30))) == []
    assert len(list(checks.overdue(book, date(2027, 7, 1)))) == len(book.policies) + len(book.programmes)
