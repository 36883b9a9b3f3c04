"""Every payment, waiver and prize of the five documents is there, with its figures, clauses and standing.

The table is written by hand from the documents, so that a figure changed in content is noticed here.
"""

from typing import NamedTuple

import pytest

from server.policy import service
from server.policy.book import PolicyBook


class Row(NamedTuple):
    """What one programme must be: figures in fen by clause, None where the clause gives none."""

    standing: str
    audience: str
    amounts: dict[str, list[int | None]]
    per: str | None
    payee_kind: str | None


WITHOUT: list[int | None] = [None]
LEVELS = [10_000_000, 50_000_000, 80_000_000]
SKILL = [100_000, 110_000, 150_000, 165_000, 200_000, 220_000]

TABLE = {
    "feeder-referral": Row(
        "current", "feeder_school", {"aq-2019-7/5.2": [50_000], "aq-2024-91/15": [50_000]}, "student", "feeder_school"
    ),
    "cross-city": Row(
        "current",
        "vocational_school",
        {"aq-2019-7/5.3": [100_000], "aq-2024-91/15": [100_000]},
        "student",
        "vocational_school",
    ),
    "enrolment-growth": Row(
        "unconfirmed", "vocational_school", {"aq-2019-7/5.4": [120_000]}, "student", "vocational_school"
    ),
    "agency-recruitment": Row("unconfirmed", "vocational_school", {"aq-2019-7/5.5": [100_000]}, "person", "agency"),
    "tuition-free": Row("current", "student", {"aq-2019-7/5.1": WITHOUT, "aq-2024-91/15": WITHOUT}, None, "student"),
    "placement-6m": Row(
        "unconfirmed", "vocational_school", {"aq-2019-7/6.1": [100_000]}, "person", "vocational_school"
    ),
    "placement-12m": Row(
        "unconfirmed", "vocational_school", {"aq-2019-7/6.2": [150_000]}, "person", "vocational_school"
    ),
    "graduate-shortage": Row("unconfirmed", "student", {"aq-2019-7/6.3": [300_000]}, "person", "graduate"),
    "tuition-remission": Row("unconfirmed", "student", {"aq-2019-7/6.4": WITHOUT}, None, "graduate"),
    "cooperative-class": Row(
        "current", "vocational_school", {"aq-2019-7/2": [10_000_000], "aq-2024-91/11": [10_000_000]}, "class", None
    ),
    "training-base": Row(
        "unconfirmed", "vocational_school", {"aq-2019-7/3.2": [50_000_000]}, "base", "vocational_school"
    ),
    "consortium": Row(
        "current", "vocational_school", {"aq-2024-91/9": [50_000_000, 100_000_000]}, "consortium", "consortium"
    ),
    "industry-college": Row(
        "current", "vocational_school", {"aq-2024-91/10": [30_000_000]}, "college", "industry_college"
    ),
    "model-enterprise": Row("unconfirmed", "enterprise", {"aq-annex-29/10": [*LEVELS]}, "enterprise", "enterprise"),
    "enterprise-base": Row("unconfirmed", "enterprise", {"aq-annex-29/17": [20_000_000]}, "base", "enterprise"),
    "order-class": Row(
        "unconfirmed", "vocational_school", {"aq-annex-29/21": [1_000_000]}, "class_year", "vocational_school"
    ),
    "internship-allowance": Row("unconfirmed", "student", {"aq-annex-29/24": [30_000]}, "person_month", "student"),
    "stable-employment-prize": Row("unconfirmed", "vocational_school", {"aq-annex-29/26": WITHOUT}, None, None),
    "harmony-prize": Row("unconfirmed", "enterprise", {"aq-annex-29/29": WITHOUT}, None, "enterprise"),
    "new-major": Row("unconfirmed", "vocational_school", {"aq-2019-7/1.2": WITHOUT}, None, "vocational_school"),
    "unstated-others-cost-compensation": Row(
        "unconfirmed", "enterprise", {"aq-annex-29/8": WITHOUT}, None, "enterprise"
    ),
    "unstated-others-base-investment": Row(
        "unconfirmed", "vocational_school", {"aq-annex-29/18": WITHOUT}, None, "vocational_school"
    ),
    "unstated-others-per-student-funding": Row(
        "current", "vocational_school", {"aq-2024-91/s2": WITHOUT}, None, "vocational_school"
    ),
    "unstated-others-outstanding-work": Row(
        "current", "vocational_school", {"aq-2024-91/s3": WITHOUT}, None, "authority"
    ),
    "cz-directed-class": Row("other_city", "enterprise", {"cz-2018-28/21": [100_000]}, "student_year", "enterprise"),
    "cz-internship-once": Row("other_city", "student", {"cz-2018-28/22": [20_000]}, "person", "student"),
    "cz-internship-month": Row("other_city", "student", {"cz-2018-28/22": [10_000]}, "person_month", "student"),
    "cz-placement-school": Row(
        "other_city", "vocational_school", {"cz-2018-28/23": [50_000]}, "person", "vocational_school"
    ),
    "cz-placement-graduate": Row(
        "other_city", "student", {"cz-2018-28/23": [120_000, 180_000]}, "person_year", "graduate"
    ),
    "cz-skill": Row("other_city", "student", {"cz-2018-28/24": [*SKILL]}, "person", "worker"),
    "cz-unstated-technicians": Row("other_city", "enterprise", {"cz-2018-28/20": WITHOUT}, None, "worker"),
    "cz-unstated-talent-supply": Row(
        "other_city", "vocational_school", {"cz-2018-28/23": WITHOUT}, None, "vocational_school"
    ),
    "cz-unstated-employer-training": Row("other_city", "enterprise", {"cz-2018-28/24": WITHOUT}, None, "enterprise"),
}

FIGURES = {
    ("cooperative-class", "class_size", "at_least", 20),
    ("enrolment-growth", "intake_increase", "at_least", 1),
    ("placement-6m", "city_firm_rate", "at_least", 30),
    ("placement-6m", "stable_months", "at_least", 6),
    ("placement-12m", "stable_months", "at_least", 12),
    ("graduate-shortage", "contract_months", "at_least", 12),
    ("tuition-remission", "worked_months", "at_least", 12),
    ("internship-allowance", "internship_months", "at_least", 3),
    ("internship-allowance", "internship_months", "at_most", 6),
    ("stable-employment-prize", "employed_insured_months", "at_least", 12),
    ("stable-employment-prize", "local_employment_rate", "at_least", 70),
    ("cz-internship-once", "cz_shadowing_months", "at_least", 3),
    ("cz-internship-month", "cz_post_months", "at_least", 6),
    ("cz-skill", "cz_insured_months", "at_least", 36),
}

OPEN = {
    "enrolment-growth": {"growth-base", "stacking-cross-city"},
    "placement-6m": {"rate-denominator"},
    "placement-12m": {"directed-only", "stacking-placement-6m"},
    "tuition-remission": {"reduce-or-refund"},
    "cooperative-class": {"payee-host-school", "class-kinds"},
    "consortium": {"levels-stack"},
    "model-enterprise": {"levels-stack"},
    "internship-allowance": {"partial-months"},
}

WARNED = {
    "feeder-referral": {"discretionary", "payee_is_school", "payer_unstated", "estimate", "awaits_assessment"},
    "cross-city": {"payer_unstated", "estimate", "awaits_assessment"},
    "cooperative-class": {"competitive", "payer_unstated", "estimate", "awaits_assessment", "basis_elsewhere"},
    "consortium": {"payer_unstated", "estimate", "awaits_assessment"},
    "industry-college": {"payer_unstated", "estimate", "awaits_assessment"},
    "agency-recruitment": {"agency_not_payee"},
    "graduate-shortage": {"basis_elsewhere"},
    "training-base": {"basis_elsewhere"},
    "model-enterprise": {"payer_unstated", "also_promised"},
    "order-class": {"other_fund"},
    "stable-employment-prize": {"payee_unstated"},
    "cz-placement-school": {"not_feeder_reward"},
}


def warnings(book: PolicyBook, name: str) -> set[str]:
    return {warning.code for warning in service.programme(book, name).warnings}


def test_nothing_is_missing_and_nothing_is_made_up(book: PolicyBook) -> None:
    assert set(book.programmes) == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_a_programme_is_what_the_documents_say(book: PolicyBook, name: str) -> None:
    answer = service.programme(book, name)
    amounts: dict[str, list[int | None]] = {}
    for amount in answer.amounts:
        amounts.setdefault(amount.clause, []).append(amount.amount_fen)
    (per,) = {amount.per for amount in answer.amounts}
    in_order = {clause: sorted(figures, key=lambda figure: figure or 0) for clause, figures in amounts.items()}
    assert Row(answer.standing, answer.audience, in_order, per, answer.payee_kind) == TABLE[name]


@pytest.mark.parametrize("name", TABLE)
def test_a_programme_belongs_to_the_city_of_its_clauses(book: PolicyBook, name: str) -> None:
    chenzhou = name.startswith("cz-")
    assert book.programmes[name].jurisdiction == ("431000" if chenzhou else "340800")
    assert (book.programmes[name].standing == "other_city") == chenzhou


@pytest.mark.parametrize("name", TABLE)
def test_standing_missing_dates_and_missing_figures_warn_by_themselves(book: PolicyBook, name: str) -> None:
    row, told = TABLE[name], warnings(book, name)
    assert ({"unconfirmed", "other_city"} & told) == {row.standing} - {"current"}
    assert ("dates_unknown" in told) == any(clause.startswith("aq-annex-29") for clause in row.amounts)
    promised = row.per is None and name not in {"tuition-free", "tuition-remission"}
    assert ("amount_unstated" in told) == promised


@pytest.mark.parametrize("name", OPEN)
def test_what_a_document_leaves_open_has_a_decision_note(book: PolicyBook, name: str) -> None:
    assert OPEN[name] <= {decision.id for decision in book.programmes[name].decisions}


@pytest.mark.parametrize("name", WARNED)
def test_what_one_must_know_is_warned_of(book: PolicyBook, name: str) -> None:
    assert WARNED[name] <= warnings(book, name)


@pytest.mark.parametrize("name", TABLE)
def test_a_payer_that_is_not_stated_is_warned_of(book: PolicyBook, name: str) -> None:
    programme = book.programmes[name]
    if programme.versions[-1].payer is None and programme.jurisdiction == "340800":
        assert {"payer_unstated", "cost_shared"} & warnings(book, name)


def test_every_figure_that_is_demanded_is_the_documents(book: PolicyBook) -> None:
    assert {
        (name, condition.fact, condition.comparison, condition.value)
        for name, programme in book.programmes.items()
        for version in programme.versions
        for condition in version.conditions
        if condition.comparison in {"at_least", "at_most"}
    } == FIGURES


def test_only_these_count_units(book: PolicyBook) -> None:
    counted = {name: p.versions[-1].quantity for name, p in book.programmes.items() if p.versions[-1].quantity}
    assert counted == {
        "enrolment-growth": "intake_increase",
        "internship-allowance": "internship_months",
        "cz-internship-month": "cz_post_months",
    }


def test_every_fact_and_unit_is_used(book: PolicyBook) -> None:
    facts, units = set(), set()
    for programme in book.programmes.values():
        for version in programme.versions:
            facts |= {condition.fact for condition in version.conditions}
            for amount in version.amounts:
                facts |= set(amount.when)
                units |= {amount.per} - {None}
    assert facts == {fact.id for fact in book.vocabulary.facts}
    assert units == set(book.vocabulary.per)


def test_each_rate_is_a_fact_of_its_own_and_says_what_is_divided_by_what(book: PolicyBook) -> None:
    rates = {fact.id: fact.help or "" for fact in book.vocabulary.facts if fact.type == "percent"}
    assert set(rates) == {"city_firm_rate", "local_employment_rate"}
    assert all("分子" in text and "分母" in text for text in rates.values())
