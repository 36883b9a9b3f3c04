"""A programme more is a file more: no line of Python."""

from datetime import date
from typing import Any

import pytest

from server.policy import service
from server.policy.book import load
from tests.policy.shelf import Copy

SKILLS_PARK = """
id: skills-park
title: 技能园区奖补
audience: enterprise
jurisdiction: "340800"
standing: unconfirmed
recheck_by: 2027-06-30
versions:
  - id: "2024"
    clause: aq-2024-91/9
    payer: null
    payee: 技能园区
    payee_kind: null
    amounts:
      - {amount_fen: 50000000, per: person, when: {grade: provincial}}
      - {amount_fen: 100000000, per: person, when: {grade: national}}
      - {text: 未载明金额, when: {grade: city}}
    conditions:
      - {fact: insured_share, comparison: at_most, value: 30, clause: aq-2024-91/9, text: 比例}
cases:
  - {name: 缺级别, on: 2025-09-01, facts: {insured_share: 30}, verdict: needs_information, asks: [grade]}
"""
MORE_FACTS = """facts:
  - id: grade
    type: choice
    question: 哪一级？
    options: [{value: provincial, label: 省级}, {value: national, label: 国家级}, {value: city, label: 市级}]
  - {id: insured_share, type: percent, question: 比例是多少？, unit: "%", range: {low: 0, high: 100}}
"""


@pytest.mark.parametrize(
    ("facts", "verdict", "amount"),
    [
        ({"insured_share": 30, "grade": "provincial"}, "eligible", "50万元/人"),
        ({"insured_share": 29.5, "grade": "national"}, "eligible", "100万元/人"),
        ({"insured_share": 30, "grade": "city"}, "eligible", "未载明金额"),
        ({"insured_share": 30.1, "grade": "national"}, "ineligible", None),
        ({"grade": "national"}, "needs_information", None),
    ],
)
def test_a_programme_more_takes_only_content(copy: Copy, facts: Any, verdict: str, amount: str | None) -> None:
    copy.write("programmes/skills-park.yaml", SKILLS_PARK)
    copy.replace("reference/facts.yaml", "facts:\n", MORE_FACTS)
    answer = service.check(
        load(copy.root), audience="enterprise", jurisdiction="340800", on=date(2025, 9, 1), facts=facts
    )
    item = next(item for item in answer.items if item.programme == "skills-park")
    assert (item.verdict, item.amount_text) == (verdict, amount)
    assert item.warnings[0].code == "unconfirmed"
