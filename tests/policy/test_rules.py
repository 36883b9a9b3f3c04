"""The interpreter against brute force: it may only say what every completion of the facts would say."""

from collections.abc import Iterator
from datetime import date
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.kernel.dates import UNKNOWN, PolicyDate
from server.policy.facts import Value
from server.policy.programmes import Amount, Condition, Version
from server.policy.rules import Decided, Term, decide, governing

SPACE: dict[str, tuple[Value, ...]] = {"flag": (True, False), "level": ("x", "y", "z"), "size": (1, 2, 3, 4)}
ON = date(2025, 9, 1)
YEAR_2024 = PolicyDate(value="2024", precision="year")

CONDITIONS: dict[str, list[list[tuple[Any, Any]]]] = {
    "flag": [[("is", True)], [("is", False)]],
    "level": [[("is", "x")], [("one_of", ("x", "y"))]],
    "size": [
        [("at_least", 2)],
        [("at_least", 4)],
        [("at_most", 3)],
        [("one_of", (1, 4))],
        [("at_least", 2), ("at_most", 3)],
    ],
}


def term(conditions: list[Condition], amounts: list[Amount], starts: PolicyDate = YEAR_2024) -> Term:
    version = Version(
        id="v",
        clause="p/1",
        payer=None,
        payee=None,
        payee_kind=None,
        amounts=tuple(amounts),
        conditions=tuple(conditions),
    )
    return Term(version, starts, UNKNOWN)


@st.composite
def terms(draw: st.DrawFn) -> Term:
    conditions = []
    for fact in draw(st.sets(st.sampled_from(sorted(SPACE)))):
        for comparison, value in draw(st.sampled_from(CONDITIONS[fact])):
            conditions.append(Condition(fact=fact, comparison=comparison, value=value, clause="p/1", text="-"))
    chosen_by = draw(st.lists(st.sampled_from(["flag", "level"]), unique=True))
    return term(conditions, one_amount_for_each_choice(conditions, chosen_by))


def one_amount_for_each_choice(conditions: list[Condition], facts: list[str]) -> list[Amount]:
    allowed = [next((c.values for c in conditions if c.fact == fact), SPACE[fact]) for fact in facts]
    return [
        Amount.model_validate({"amount_fen": i, "per": "class", "when": dict(zip(facts, values, strict=True))})
        for i, values in enumerate(product(*allowed), start=1)
    ]


FACTS = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in SPACE.items()})


def completions(facts: dict[str, Value]) -> Iterator[dict[str, Value]]:
    missing = [name for name in SPACE if name not in facts]
    for values in product(*(SPACE[name] for name in missing)):
        yield {**facts, **dict(zip(missing, values, strict=True))}


def outcome(decided: Decided) -> tuple[str, int | None]:
    return decided.verdict, decided.amount.amount_fen if decided.amount else None


def outcomes(term: Term, facts: dict[str, Value]) -> set[tuple[str, int | None]]:
    return {outcome(decide([term], full, ON)) for full in completions(facts)}


@given(terms(), FACTS)
def test_decided_exactly_when_every_completion_agrees(term: Term, facts: dict[str, Value]) -> None:
    decided, possible = decide([term], facts, ON), outcomes(term, facts)
    expected = possible.pop() if len(possible) == 1 else ("needs_information", None)
    assert outcome(decided) == expected


@given(terms(), FACTS)
def test_asks_exactly_what_can_still_change_the_answer(term: Term, facts: dict[str, Value]) -> None:
    can_change = {
        name
        for name in SPACE
        if name not in facts
        and any(
            len({outcome(decide([term], {**full, name: value}, ON)) for value in SPACE[name]}) > 1
            for full in completions(facts)
        )
    }
    assert decide([term], facts, ON).asks == can_change


@given(terms(), FACTS, FACTS)
def test_another_fact_never_overturns_an_answer(term: Term, facts: dict[str, Value], more: dict[str, Value]) -> None:
    before = decide([term], facts, ON)
    if before.verdict != "needs_information":
        assert outcome(decide([term], {**more, **facts}, ON)) == outcome(before)


@given(terms(), FACTS)
def test_a_check_is_open_exactly_while_its_fact_is_missing(term: Term, facts: dict[str, Value]) -> None:
    for check in decide([term], facts, ON).checks:
        assert (check.ok is None) == (check.condition.fact not in facts)
        assert check.got == facts.get(check.condition.fact)


@given(terms(), FACTS, st.dates(date(2024, 1, 1), date(2024, 12, 31)))
def test_nothing_is_decided_or_asked_while_the_start_is_open(term: Term, facts: dict[str, Value], on: date) -> None:
    assert decide([term], facts, on) == Decided("needs_information", term, undecided=True)


@given(terms(), FACTS, st.dates(date(1990, 1, 1), date(2023, 12, 31)))
def test_before_every_period_nothing_is_granted(term: Term, facts: dict[str, Value], on: date) -> None:
    assert decide([term], facts, on) == Decided("ineligible")


def test_the_figure_itself_is_included() -> None:
    for comparison, verdicts in {
        "at_least": "ineligible eligible eligible",
        "at_most": "eligible eligible ineligible",
    }.items():
        condition = Condition.model_validate(
            {"fact": "size", "comparison": comparison, "value": 20, "clause": "p/1", "text": "-"}
        )
        one = term([condition], [Amount(amount_fen=1, per="class")])
        assert [decide([one], {"size": size}, ON).verdict for size in (19, 20, 21)] == verdicts.split()


UNDATED = term([], [Amount(text="未载明")], starts=UNKNOWN)


@given(st.dates())
def test_a_document_without_any_date_is_held_against_every_day_and_marked(on: date) -> None:
    assert UNDATED.undated
    assert decide([UNDATED], {}, on).verdict == "eligible"
    assert not term([], [Amount(text="a")]).undated


@given(terms(), FACTS, st.dates())
def test_an_undated_document_decides_as_a_dated_one_in_force(term: Term, facts: dict[str, Value], on: date) -> None:
    undated = Term(term.version, UNKNOWN, UNKNOWN)
    assert outcome(decide([undated], facts, on)) == outcome(decide([term], facts, ON))


@pytest.mark.parametrize(
    ("on", "verdict"), [(date(2023, 12, 31), "eligible"), (date(2024, 1, 1), "needs_information"),
                        (date(2024, 12, 31), "needs_information"), (date(2025, 1, 1), "ineligible")],
)  # fmt: skip
def test_an_undated_document_still_ends_when_it_says_so(on: date, verdict: str) -> None:
    assert decide([Term(UNDATED.version, UNKNOWN, YEAR_2024)], {}, on).verdict == verdict


def test_the_one_in_force_wins_over_one_that_may_be() -> None:
    year_2025 = PolicyDate(value="2025", precision="year")
    sure, perhaps = term([], [Amount(text="a")]), term([], [Amount(text="b")], starts=year_2025)
    assert governing([sure, perhaps], ON) == (True, sure)
    assert governing([perhaps, sure], ON) == (True, sure)


def test_of_two_that_may_be_in_force_the_newest_is_named() -> None:
    old, new = term([], [Amount(text="a")]), term([], [Amount(text="b")])
    assert governing([old, new], date(2024, 6, 15)) == (None, new)


@pytest.mark.parametrize(
    ("size", "verdict"),
    [(1, "ineligible"), (2, "eligible"), (3, "eligible"), (4, "ineligible"), (None, "needs_information")],
)  # fmt: skip
def test_two_bounds_on_one_fact_hold_together(size: int | None, verdict: str) -> None:
    bounds = [
        Condition.model_validate(
            {"fact": "size", "comparison": comparison, "value": value, "clause": "p/1", "text": "-"}
        )
        for comparison, value in (("at_least", 2), ("at_most", 3))
    ]
    decided = decide([term(bounds, [Amount(amount_fen=1, per="class")])], {} if size is None else {"size": size}, ON)
    assert decided.verdict == verdict
    assert decided.asks == ({"size"} if size is None else set())
