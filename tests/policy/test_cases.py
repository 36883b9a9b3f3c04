"""The worked cases of content, one by one, and that they stand on every boundary."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from server.policy.book import PolicyBook, load
from server.policy.checks import faults_of_case
from server.policy.programmes import Case, Programme
from server.policy.rules import Term
from tests.policy.shelf import CONTENT

BOOK = load(CONTENT)
CASES = [(programme, case) for programme in BOOK.programmes.values() for case in programme.cases]
TERMS = [(name, term) for name, terms in BOOK.terms.items() for term in terms]
ONE_DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("programme", "case"), CASES, ids=[f"{programme.id}: {case.name}" for programme, case in CASES]
)
def test_worked_case(book: PolicyBook, programme: Programme, case: Case) -> None:
    assert list(faults_of_case(book, programme, case)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "ineligible"},
        {"amount_fen": 50001},
        {"fails": ("level",)},
        {"asks": ("level",)},
        {"warns": ("no_such_warning",)},
        {"on": date(2019, 9, 15)},
        {"facts": {}},
    ],
    ids=str,
)
def test_a_case_that_expects_otherwise_is_a_fault(book: PolicyBook, change: dict[str, Any]) -> None:
    programme = book.programmes["feeder-referral"]
    case = next(case for case in programme.cases if case.on == date(2025, 9, 1) and case.verdict == "eligible")
    assert list(faults_of_case(book, programme, case.model_copy(update=change)))


def boundaries(term: Term) -> Iterator[date]:
    starts, ends = term.starts.span(), term.ends.span()
    assert starts
    yield from (starts[0] - ONE_DAY, starts[0], starts[1], starts[1] + ONE_DAY)
    if ends:
        yield from (ends[1], ends[1] + ONE_DAY)


@pytest.mark.parametrize(("name", "term"), TERMS, ids=[f"{name}@{term.version.id}" for name, term in TERMS])
def test_cases_stand_on_every_boundary(book: PolicyBook, name: str, term: Term) -> None:
    assert set(boundaries(term)) <= {case.on for case in book.programmes[name].cases}


@pytest.mark.parametrize(("name", "term"), TERMS, ids=[f"{name}@{term.version.id}" for name, term in TERMS])
def test_cases_fail_every_condition_of_the_current_version(book: PolicyBook, name: str, term: Term) -> None:
    programme = book.programmes[name]
    if term.version is programme.versions[-1]:
        failed = {fact for case in programme.cases for fact in case.fails}
        assert {condition.fact for condition in term.version.conditions} <= failed
