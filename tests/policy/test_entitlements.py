"""What people really ask, through the same function that the HTTP face calls."""

from datetime import date
from typing import Any

import pytest

from server.policy import service
from server.policy.answers import Checked, ItemAnswer
from server.policy.book import PolicyBook
from server.policy.documents import Jurisdiction
from server.policy.programmes import Audience

SENT = {"school_in_city": True, "sent_by_school": True, "receiver_in_group": True, "level": "secondary"}
CLASS_2023 = {"school_in_group": True, "class_kind": "directed", "lead_industry": True}
CLASS_2025 = {
    "school_in_group": True,
    "class_kind": "order",
    "partner_in_city": True,
    "partner_size": "medium",
    "leading_industry": True,
}
ELIGIBLE, INELIGIBLE, OPEN = "eligible", "ineligible", "needs_information"


def asked(
    book: PolicyBook,
    on: str,
    facts: dict[str, Any],
    *,
    audience: Audience | None = None,
    jurisdiction: Jurisdiction | None = "340800",
) -> Checked:
    day = date.fromisoformat(on)
    return service.check(book, audience=audience, jurisdiction=jurisdiction, on=day, facts=facts)


def one(book: PolicyBook, programme: str, on: str, facts: dict[str, Any]) -> ItemAnswer:
    checked = asked(book, on, facts, jurisdiction=None)
    return next(item for item in checked.items if item.programme == programme)


def codes(item: ItemAnswer) -> set[str]:
    return {warning.code for warning in item.warnings}


def failed(item: ItemAnswer) -> list[tuple[str, str]]:
    return [(check.fact, check.clause) for check in item.checks if check.ok is False]


@pytest.mark.parametrize(
    ("on", "level", "amount_fen", "clause"),
    [
        ("2023-09-01", "secondary", 50_000, "aq-2019-7/5.2"),
        ("2023-09-01", "higher", 50_000, "aq-2019-7/5.2"),
        ("2025-09-01", "secondary", 50_000, "aq-2024-91/15"),
        ("2025-09-01", "skilled_worker", 50_000, "aq-2024-91/15"),
        ("2025-09-01", "higher", None, "aq-2024-91/15"),
    ],
)
def test_a_pupil_sent(book: PolicyBook, on: str, level: str, amount_fen: int | None, clause: str) -> None:
    verdict = ELIGIBLE if amount_fen else INELIGIBLE
    checked = asked(book, on, {**SENT, "level": level}, audience="feeder_school")
    (item,) = checked.items
    assert (item.programme, item.verdict, item.amount_fen) == ("feeder-referral", verdict, amount_fen)
    assert {check.clause for check in item.checks} == {clause}
    assert failed(item) == ([("level", clause)] if verdict == INELIGIBLE else [])
    assert checked.questions_left == ()
    assert {"payee_is_school", "payer_unstated"} <= codes(item)
    assert ("discretionary" in codes(item)) == on.startswith("2025")


@pytest.mark.parametrize(("on", "facts"), [("2023-09-01", CLASS_2023), ("2025-09-01", CLASS_2025)])
@pytest.mark.parametrize(("size", "verdict"), [(19, INELIGIBLE), (20, ELIGIBLE), (21, ELIGIBLE), (None, OPEN)])
def test_classes_about_the_figure(
    book: PolicyBook, on: str, facts: dict[str, Any], size: int | None, verdict: str
) -> None:
    known = facts if size is None else {**facts, "class_size": size}
    item = one(book, "cooperative-class", on, known)
    assert (item.verdict, item.amount_fen) == (verdict, 10_000_000 if verdict == ELIGIBLE else None)
    assert [check.fact for check in item.checks if not check.ok] == ([] if verdict == ELIGIBLE else ["class_size"])
    assert ("competitive" in codes(item)) == on.startswith("2025")


@pytest.mark.parametrize(
    ("months", "verdict", "total_fen"),
    [(2, INELIGIBLE, None), (3, ELIGIBLE, 90_000), (6, ELIGIBLE, 180_000), (7, INELIGIBLE, None), (None, OPEN, None)],
)
def test_internships_about_both_figures(
    book: PolicyBook, months: int | None, verdict: str, total_fen: int | None
) -> None:
    facts = {"intention_contract": True} | ({} if months is None else {"internship_months": months})
    item = one(book, "internship-allowance", "2026-09-01", facts)
    assert (item.verdict, item.total_fen, item.quantity) == (verdict, total_fen, months if total_fen else None)
    assert item.amount_fen == (30_000 if total_fen else None)
    assert {"unconfirmed", "dates_unknown", "partial_months_open"} <= codes(item)
    assert {check.clause for check in item.checks} == {"aq-annex-29/24"}


def test_an_internship_without_a_contract_gives_nothing_and_an_unknown_one_is_asked_for(book: PolicyBook) -> None:
    item = one(book, "internship-allowance", "2026-09-01", {"internship_months": 4, "intention_contract": False})
    assert (item.verdict, failed(item)) == (INELIGIBLE, [("intention_contract", "aq-annex-29/24")])
    assert one(book, "internship-allowance", "2026-09-01", {"internship_months": 4}).verdict == OPEN


@pytest.mark.parametrize(
    ("rate", "verdict"),
    [(69, INELIGIBLE), (69.9, INELIGIBLE), (70, ELIGIBLE), (70.0, ELIGIBLE), (71, ELIGIBLE), (None, OPEN)],
)
def test_the_employment_prize_names_no_amount(book: PolicyBook, rate: float | None, verdict: str) -> None:
    facts = {"employed_insured_months": 12} | ({} if rate is None else {"local_employment_rate": rate})
    item = one(book, "stable-employment-prize", "2026-09-01", facts)
    assert (item.verdict, item.amount_fen, item.per, item.total_fen) == (verdict, None, None, None)
    assert bool(item.amount_text) == (verdict == ELIGIBLE)
    assert {"amount_unstated", "unconfirmed", "dates_unknown"} <= codes(item)
    assert {check.clause for check in item.checks} == {"aq-annex-29/26"}


def test_one_rate_never_stands_in_for_another(book: PolicyBook) -> None:
    facts = {"employed_insured_months": 12, "city_firm_rate": 90}
    assert one(book, "stable-employment-prize", "2026-09-01", facts).verdict == OPEN
    facts = {"employer_in_city": True, "stable_months": 6, "local_employment_rate": 90}
    assert one(book, "placement-6m", "2025-09-01", facts).verdict == OPEN


def test_a_chenzhou_school_asking_under_anqing_gets_nothing(book: PolicyBook) -> None:
    facts = {
        **SENT,
        "school_in_city": False,
        "cz_school_urban": True,
        "cz_fresh_graduate": True,
        "cz_local_park": True,
    }
    checked = asked(book, "2025-09-01", facts)
    assert {item.standing for item in checked.items} == {"current", "unconfirmed"}
    assert not [item.programme for item in checked.items if item.programme.startswith("cz-")]
    item = next(item for item in checked.items if item.programme == "feeder-referral")
    assert (item.verdict, item.amount_fen, failed(item)) == (INELIGIBLE, None, [("school_in_city", "aq-2024-91/15")])
    assert not [fact.id for fact in checked.questions_left if fact.id.startswith("cz_")]


def test_chenzhous_own_500_is_shown_only_as_another_citys(book: PolicyBook) -> None:
    facts = {"cz_school_urban": True, "cz_fresh_graduate": True, "cz_local_park": True}
    checked = asked(book, "2025-09-01", {**SENT, **facts}, jurisdiction="431000")
    assert {item.standing for item in checked.items} == {"other_city"}
    assert all("other_city" in codes(item) for item in checked.items)
    item = next(item for item in checked.items if item.programme == "cz-placement-school")
    assert (item.verdict, item.amount_fen, item.per) == (ELIGIBLE, 50_000, "person")
    assert "not_feeder_reward" in codes(item)


@pytest.mark.parametrize("on", ["2024-01-01", "2024-06-15", "2024-12-31"])
@pytest.mark.parametrize(
    "name", ["feeder-referral", "cross-city", "tuition-free", "cooperative-class", "consortium", "industry-college"]
)
def test_a_date_in_2024_is_not_decided_even_where_both_versions_agree(book: PolicyBook, name: str, on: str) -> None:
    facts = {**SENT, **CLASS_2025, "class_size": 30, "lead_industry": True, "school_in_urban_area": True}
    item = one(book, name, on, {**facts, "consortium_level": "national", "industry_college_level": "provincial"})
    assert (item.verdict, item.amount_fen, item.version, item.checks) == (OPEN, None, None, ())
    assert "start_day_unknown" in codes(item)


def test_programmes_the_2024_document_is_silent_on_go_on_unconfirmed(book: PolicyBook) -> None:
    facts = {"employer_in_city": True, "city_firm_rate": 30, "stable_months": 6}
    for on in ("2023-09-01", "2024-06-15", "2025-09-01", "2028-01-01"):
        item = one(book, "placement-6m", on, facts)
        assert (item.verdict, item.amount_fen, item.version) == (ELIGIBLE, 100_000, "2019")
        assert "unconfirmed" in codes(item)
    assert one(book, "placement-6m", "2019-09-15", facts).verdict == OPEN
    assert one(book, "placement-6m", "2019-08-31", facts).verdict == INELIGIBLE


def test_free_tuition_was_the_citys_in_2019_and_is_the_groups_since_2024(book: PolicyBook) -> None:
    urban = {"school_in_urban_area": True, "school_in_group": False, "current_level": "secondary"}
    rural = {"school_in_urban_area": False, "school_in_group": True, "current_level": "secondary"}
    verdicts = [
        [one(book, "tuition-free", on, facts).verdict for facts in (urban, rural)]
        for on in ("2023-09-01", "2025-09-01")
    ]
    assert verdicts == [[ELIGIBLE, INELIGIBLE], [INELIGIBLE, ELIGIBLE]]


@pytest.mark.parametrize(
    ("name", "fact", "answers"),
    [
        ("consortium", "consortium_level", {"provincial": 50_000_000, "national": 100_000_000, "other": None}),
        (
            "model-enterprise",
            "model_enterprise_level",
            {"city": 10_000_000, "provincial": 50_000_000, "national": 80_000_000, "none": None},
        ),
    ],
)
def test_the_level_chooses_the_amount(book: PolicyBook, name: str, fact: str, answers: dict[str, int | None]) -> None:
    found = {level: one(book, name, "2025-09-01", {fact: level}).amount_fen for level in answers}
    assert found == answers


def test_the_increase_counts_the_pupils(book: PolicyBook) -> None:
    facts = {"school_in_group": True, "level": "secondary", "intake_increase": 25}
    item = one(book, "enrolment-growth", "2025-09-01", facts)
    assert (item.amount_fen, item.quantity, item.total_fen) == (120_000, 25, 3_000_000)


@pytest.mark.parametrize("audience", ["student", "feeder_school", "enterprise", "vocational_school"])
@pytest.mark.parametrize("jurisdiction", ["340800", "431000"])
@pytest.mark.parametrize("on", ["2019-09-15", "2023-09-01", "2024-06-15", "2025-09-01", "2028-01-01"])
def test_only_what_can_change_an_answer_is_left_to_ask(
    book: PolicyBook, audience: Audience, jurisdiction: Jurisdiction, on: str
) -> None:
    """Answering one question after another ends, never repeats one, and leaves nothing undecided but dates."""
    facts: dict[str, Any] = {}
    while left := asked(book, on, facts, audience=audience, jurisdiction=jurisdiction).questions_left:
        fact = left[0]
        assert fact.id not in facts
        facts[fact.id] = fact.values[0] if fact.values else (fact.range.high if fact.range else "2025-01-01")
    items = asked(book, on, facts, audience=audience, jurisdiction=jurisdiction).items
    undecided = [item for item in items if item.verdict == OPEN]
    assert all("start_day_unknown" in codes(item) for item in undecided)
