"""The rules of fair postings: every worked case comes out, none takes long, and broken content is refused."""

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from miniprogram_api.posting_bodies import Change
from miniprogram_api.problem import Problems
from server.kernel.content import ContentError
from server.kernel.errors import FieldFault
from server.labour import cases, checks, rulebook, rules, wages
from server.labour.beginnings import beginnings
from server.labour.cases import Case
from server.labour.drafts import Draft
from server.labour.models import PostingKind, Side
from server.labour.rulebook import Rulebook
from server.labour.said import TEXTS
from server.labour.wages import MinimumWages
from server.policy import service as policy_service
from server.reference import service as reference_service
from server.reference.service import Reference
from tests.policy.shelf import CONTENT, Copy

TODAY = date(2026, 11, 21)
CASES = cases.load(CONTENT)
HONEST = "迎江区招流水线普工，八小时工作，包吃住，男女不限，不收押金、服装费，节假日按国家规定放假。"
SLOWEST_SECONDS = 0.2
"""Many times what it takes: what is guarded against is time that grows with the square of a text."""


@pytest.fixture(scope="module")
def reference() -> Reference:
    return reference_service.load(CONTENT, policy_service.load(CONTENT))


@pytest.fixture(scope="module")
def book(reference: Reference) -> Rulebook:
    return rulebook.load(CONTENT, reference)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def draft(text: str) -> Draft:
    return Draft(side=Side.DEMAND, kind=PostingKind.SHORT_TERM, description=text)


def codes(text: str, book: Rulebook) -> list[str]:
    return [finding.code for finding in rules.findings(draft(text), book, TODAY)]


@pytest.mark.parametrize("case", CASES.cases, ids=lambda case: case.name)
def test_a_worked_case_comes_out(case: Case, book: Rulebook) -> None:
    assert list(cases.differences(CASES, case, book)) == []


def test_every_rule_has_a_case_and_there_are_as_many_honest_ones(book: Rulebook) -> None:
    assert list(cases.faults(CASES, book)) == []
    assert len([case for case in CASES.cases if not case.finds]) >= 50


def test_every_finding_has_its_words_and_its_source(book: Rulebook) -> None:
    problems = Problems.load(CONTENT)
    for case in CASES.cases:
        for one in rules.findings(CASES.draft(case), CASES.book(case, book), CASES.on):
            said = problems.sentence(FieldFault(f"/{one.field}", one.code, dict(one.facts)))
            assert one.code in problems.faults, one.code
            assert one.field in problems.fields, one.field
            assert "{" not in said
            assert one.source


def test_too_little_pay_is_refused_at_its_field(book: Rulebook) -> None:
    case = next(case for case in CASES.cases if case.finds == ("pay_fen minimum_wage",))
    refusals = checks.refusals(rules.findings(CASES.draft(case), CASES.book(case, book), CASES.on))
    assert [(fault.pointer, fault.params["least"]) for fault in refusals] == [("/pay_fen", "20元/小时")]


def test_what_must_be_changed_comes_first(book: Rulebook) -> None:
    said = Draft(
        side=Side.DEMAND, kind=PostingKind.SHORT_TERM, headcount=300, description="押金200", pay_fen=1, pay_unit="hour"
    )
    assert [one.level for one in rules.findings(said, book, TODAY)] == ["refuse", "review", "warn"]


def test_the_words_are_told_as_they_were_written(book: Rulebook) -> None:
    found = rules.findings(draft("上岗交押 - 金，还要交 保證金"), book, TODAY)
    assert [one.facts["words"] for one in found] == ["押 - 金”“保證金"]


@pytest.mark.parametrize(
    "text",
    [
        HONEST, "押金", "不收押金", "不", "仅限", "扣", "如遇押金", "本地户口", "a.", "微信 ", "http://", "1380",
        "1 - ", "不满三天", "a", "a-b@", "押金、", "招男", "不收、", "月入",
    ],
)  # fmt: skip
def test_ten_thousand_characters_are_read_at_once(text: str, book: Rulebook) -> None:
    said = draft((text * 10_000)[:10_000])
    rules.findings(said, book, TODAY)
    spent = []
    for _ in range(3):
        start = time.process_time()
        rules.findings(said, book, TODAY)
        spent.append(time.process_time() - start)
    assert min(spent) < SLOWEST_SECONDS, f"{min(spent):.4f} s"


@pytest.mark.parametrize(
    "number", ["34080220080101123X", "6222 0202 0011 2233 445", "138-0000-00-00", "１３８００００００００"]
)
@pytest.mark.parametrize("name", TEXTS)
def test_no_text_holds_anybodys_number(name: str, number: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Change.model_validate({name: f"找我 {number}"})
    assert [(fault["loc"], fault["type"]) for fault in refused.value.errors()] == [((name,), "personal_number")]


def test_dates_and_ages_are_nobodys_number() -> None:
    said = "2026-12-01 - 2027-01-20\n年龄：18-45\n2026-12-01 08:00 报到\n2200-2600元"
    assert Change.model_validate({"description": said}).description == said


@pytest.mark.parametrize("letter", ["\u3164", "\u115f", "\u1160", "\uffa0", "\u202e", "\x07"])
def test_what_nobody_sees_is_refused(letter: str, book: Rulebook) -> None:
    with pytest.raises(ValidationError):
        Change.model_validate({"title": f"押{letter}金"})
    assert codes(f"押{letter}金", book) == ["word_deposit"]


def test_denials_are_not_believed_for_ever(book: Rulebook) -> None:
    assert codes("不收押金。" * 40, book) == []
    assert codes("不收押金。" * 60, book) == ["word_deposit"]


WORDS = st.sampled_from(
    ["押金", "不收", "，", "。", "、", "费", "服装费", "招", "男", "女", "不", "身份证", "扣", " ", "\n", "㊎"]
)


@settings(max_examples=2 * settings().max_examples, deadline=None)
@given(st.lists(WORDS | st.characters(codec="utf-8"), max_size=60).map("".join))
def test_what_is_told_stands_in_the_text(book: Rulebook, text: str) -> None:
    for finding in rules.findings(draft(text), book, TODAY):
        words = str(finding.facts["words"]).split("”“")
        assert all(word in text for word in words)


@pytest.mark.parametrize(
    ("pattern", "characters"),
    [
        ("押金", "押"), ("(?:限|仅限)男", "限仅"), ("[押扣]证", "押扣"), ("(?<!不)收?费", "收费"),
        (r"\d元", "0123456789"), ("(?:甲|乙?)丙", "甲乙丙"), ("[a-c]{2,3}", "abc"), ("(?=甲)甲", "甲"),
    ],
)  # fmt: skip
def test_with_what_an_expression_begins(pattern: str, characters: str) -> None:
    assert beginnings(pattern) == frozenset(characters)


@pytest.mark.parametrize("pattern", ["", "甲?", "(?:甲|)", ".甲", "[^甲]乙", r"\D甲"])
def test_an_expression_that_begins_with_anything_is_none(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"begin|nothing"):
        beginnings(pattern)


def test_no_minimum_wage_is_guessed(book: Rulebook, reference: Reference) -> None:
    told = wages.answers(book.wages, TODAY)
    counties = {region.id for region in reference.regions if region.city == "340800" and region.kind != "city"}
    assert counties <= {place.region for place in told}
    for place in told:
        assert place.known == (place.notice is not None) == (place.hourly_fen is not None)
        assert place.source
        assert "原件" in place.note


def test_a_minimum_wage_holds_from_its_day(book: Rulebook) -> None:
    known = CASES.book(CASES.cases[0], book).wages
    assert [place.known for place in wages.answers(known, date(2025, 12, 31))] == [False]
    assert [(place.known, place.hourly_fen) for place in wages.answers(known, date(2026, 1, 1))] == [(True, 2000)]
    assert isinstance(known, MinimumWages)


@pytest.mark.parametrize(
    ("name", "change", "fault"),
    [
        ("rules", lambda d: d["rules"]["word_fee"].update(law="nowhere"), "law nowhere is nowhere"),
        ("rules", lambda d: d["limits"]["hazardous"].append("alchemist"), "occupation alchemist is nowhere"),
        ("rules", lambda d: d["limits"]["pay_most_fen"].pop("day"), "pay unit day is nowhere"),
        ("rules", lambda d: d["rules"].pop("word_fee"), "rule word_fee is nowhere"),
        ("wording", lambda d: d["groups"][0]["words"].append(".押"), "may not begin with ANY"),
        ("wording", lambda d: d["groups"][0].update(not_in=["titel"]), "does not fit"),
        ("wording", lambda d: d.update(variants="證证证"), "are no pairs"),
        ("minimum-wages", lambda d: d["regions"][0].update(region="340899"), "region 340899 is nowhere"),
        ("minimum-wages", lambda d: d["regions"].append(d["regions"][0]), "region twice 340802"),
    ],
)
def test_rules_that_do_not_hold_together_are_not_loaded(
    reference: Reference, copy: Copy, name: str, change: Callable[[Any], object], fault: str
) -> None:
    copy.edit(f"labour/{name}.yaml", change)
    with pytest.raises(ContentError, match=fault):
        rulebook.load(copy.root, reference)


def test_a_case_that_comes_out_otherwise_is_told(copy: Copy, book: Rulebook) -> None:
    copy.edit("labour/cases.yaml", lambda d: d["cases"][0].update(finds=["title word_fee"], hourly_fen=1))
    told = list(cases.faults(cases.load(copy.root), book))
    assert len(told) == 2
    copy.edit("labour/cases.yaml", lambda d: d["cases"][0].update(of="nothing"))
    with pytest.raises(ContentError, match="nothing is no base"):
        cases.load(copy.root)
