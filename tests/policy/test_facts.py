from datetime import date
from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from server.kernel.content import load_yaml
from server.policy.facts import Fact, Option, Range, pointer_to
from tests.policy.shelf import CONTENT

TEXTS = load_yaml(CONTENT / "problems.yaml")["faults"]

BOOLEAN = Fact(id="flag", type="boolean", question="?")
INTEGER = Fact(id="size", type="integer", question="?", range=Range(low=1, high=500))
PERCENT = Fact(id="share", type="percent", question="?", range=Range(low=0, high=100))
CHOICE = Fact(
    id="level",
    type="choice",
    question="?",
    options=(Option(value="secondary", label="中职"), Option(value="higher", label="高职")),
)
DATE = Fact(id="day", type="date", question="?")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        (BOOLEAN, True), (BOOLEAN, False), (INTEGER, 1), (INTEGER, 500), (PERCENT, 0), (PERCENT, 29.9), (PERCENT, 100),
        (CHOICE, "secondary"), (DATE, "2024-02-29"),
    ],
)  # fmt: skip
def test_an_answer_is_taken(fact: Fact, value: Any) -> None:
    assert fact.fault(value) is None


@pytest.mark.parametrize(
    ("fact", "value", "code"),
    [
        (BOOLEAN, 1, "fact_boolean"), (BOOLEAN, "true", "fact_boolean"), (BOOLEAN, None, "fact_boolean"),
        (INTEGER, True, "fact_integer"), (INTEGER, 20.0, "fact_integer"), (INTEGER, "20", "fact_integer"),
        (INTEGER, None, "fact_integer"), (INTEGER, [20], "fact_integer"), (INTEGER, 0, "fact_range"),
        (INTEGER, 501, "fact_range"), (INTEGER, 10**30, "fact_range"), (PERCENT, True, "fact_percent"),
        (PERCENT, "30%", "fact_percent"), (PERCENT, 100.1, "fact_range"), (PERCENT, float("nan"), "fact_range"),
        (PERCENT, -0.1, "fact_range"), (CHOICE, "中职", "fact_option"), (CHOICE, 1, "fact_option"),
        (CHOICE, ["secondary"], "fact_option"), (CHOICE, {}, "fact_option"), (DATE, "2024-02-30", "fact_date"),
        (DATE, "20240229", "fact_date"), (DATE, "2024-W09-4", "fact_date"), (DATE, 20240229, "fact_date"),
        (DATE, date(2024, 2, 29), "fact_date"),
    ],
)  # fmt: skip
def test_anything_else_is_named(fact: Fact, value: Any, code: str) -> None:
    fault = fact.fault(value)
    assert fault
    assert (fault.pointer, fault.code) == (f"/facts/{fact.id}", code)


@given(st.sampled_from([BOOLEAN, INTEGER, PERCENT, CHOICE, DATE]), JSON)
def test_only_values_of_its_own_type_pass_and_every_fault_has_a_sentence(fact: Fact, value: Any) -> None:
    types: dict[str, Any] = {"boolean": bool, "integer": int, "percent": (int, float), "choice": str, "date": str}
    fault = fact.fault(value)
    if fault is None:
        assert isinstance(value, types[fact.type])
        assert isinstance(value, bool) == (fact.type == "boolean")
    else:
        assert "{" not in TEXTS[fault.code].format(**fault.params)


def test_the_sentences_name_what_would_be_right() -> None:
    out_of_range, no_option = INTEGER.fault(0), CHOICE.fault("x")
    assert out_of_range
    assert no_option
    assert TEXTS["fact_range"].format(**out_of_range.params) == "请填1到500之间的数"
    assert "中职、高职" in TEXTS["fact_option"].format(**no_option.params)


def test_an_unknown_fact_is_named_in_its_sentence() -> None:
    assert [name for _, name, _, _ in Formatter().parse(TEXTS["unknown_fact"]) if name] == ["name"]


def test_a_fault_calls_the_fact_by_its_question() -> None:
    fault = BOOLEAN.fault("yes")
    assert fault
    assert fault.label == BOOLEAN.question


def test_pointers_are_escaped() -> None:
    assert pointer_to("a/b~c") == "/facts/a~1b~0c"


@pytest.mark.parametrize(
    "parts",
    [
        {"type": "choice"},
        {"type": "boolean", "options": [{"value": "x", "label": "x"}]},
        {"type": "integer"},
        {"type": "date", "range": {"low": 1, "high": 2}},
        {"type": "colour"},
    ],
)
def test_a_fact_whose_parts_do_not_fit_its_type_is_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Fact.model_validate({"id": "x", "question": "?", **parts})


def test_a_question_is_the_fact_under_its_public_name() -> None:
    assert CHOICE.model_dump(mode="json") == {
        "fact": "level",
        "type": "choice",
        "question": "?",
        "unit": None,
        "options": [{"value": "secondary", "label": "中职"}, {"value": "higher", "label": "高职"}],
        "range": None,
        "help": None,
    }
