"""The worked cases of content, one by one, and that they stand on every boundary."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from server.policy.book import PolicyBook, load
from server.policy.checks import faults_of_case
from server.policy.programmes import Case, Programme
from server.policy.rules import Term, governing
from tests.policy.shelf import CONTENT

BOOK = load(CONTENT)
CASES = [(programme, case) for programme in BOOK.programmes.values() for case in programme.cases]
TERMS = [(name, term) for name, terms in BOOK.terms.items() for term in terms]
ONE_DAY = timedelta(days=1)
EACH_TERM = pytest.mark.parametrize(("name", "term"), TERMS, ids=[f"{name}@{term.version.id}" for name, term in TERMS])


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
    if starts:
        yield from (starts[0] - ONE_DAY, starts[0], starts[1], starts[1] + ONE_DAY)
    if ends:
        yield from (ends[0] - ONE_DAY, ends[0], ends[1], ends[1] + ONE_DAY)


def governed(name: str, term: Term) -> list[Case]:
    """The cases on days that this term surely governs."""
    return [case for case in BOOK.programmes[name].cases if governing(BOOK.terms[name], case.on) == (True, term)]


@EACH_TERM
def test_cases_stand_on_every_boundary(name: str, term: Term) -> None:
    assert set(boundaries(term)) <= {case.on for case in BOOK.programmes[name].cases}


@EACH_TERM
def test_cases_of_an_undated_document_stand_on_days_far_apart(name: str, term: Term) -> None:
    years = {case.on.year for case in governed(name, term) if "dates_unknown" in case.warns}
    assert (len(years) > 2) == term.undated


@EACH_TERM
def test_cases_fail_every_condition_alone(name: str, term: Term) -> None:
    failed = {case.fails for case in governed(name, term)}
    assert {(condition.fact,) for condition in term.version.conditions} <= failed


@EACH_TERM
def test_cases_leave_out_every_fact_alone(name: str, term: Term) -> None:
    asked = {case.asks for case in governed(name, term)}
    conditions, amounts = term.version.conditions, term.version.amounts
    facts = {condition.fact for condition in conditions}.union(*(amount.when for amount in amounts))
    assert {(fact,) for fact in facts} <= asked


@EACH_TERM
def test_cases_stand_below_on_and_above_every_figure(name: str, term: Term) -> None:
    for condition in term.version.conditions:
        if condition.comparison in {"at_least", "at_most"}:
            assert isinstance(condition.value, int)
            around = {condition.value - 1, condition.value, condition.value + 1}
            assert around <= {case.facts.get(condition.fact) for case in governed(name, term)}


@EACH_TERM
def test_cases_reach_every_amount_and_every_answer_allowed(name: str, term: Term) -> None:
    eligible = [case for case in governed(name, term) if case.verdict == "eligible"]
    assert {amount.amount_fen for amount in term.version.amounts} == {case.amount_fen for case in eligible}
    for condition in term.version.conditions:
        if condition.comparison == "one_of":
            assert set(condition.values) <= {case.facts[condition.fact] for case in eligible}
