"""Every rule that refuses does so over HTTP, at the field that its worked case names; honest cases go through."""

from datetime import date
from typing import Any

import aiohttp
import pytest

from server.kernel import clock
from server.kernel.content import load_yaml
from server.labour import cases
from server.labour.cases import Case
from server.organisations.roles import Kind, Role
from tests.factories import make_organisation
from tests.harness.callers import Caller, member
from tests.labour.posting import CONTACT
from tests.policy.shelf import CONTENT

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("database")]

CASES = cases.load(CONTENT)
LEVELS = {code: rule["level"] for code, rule in load_yaml(CONTENT / "labour" / "rules.yaml")["rules"].items()}
ELSEWHERE = {"minimum_wage", "headcount_student", "hours_never"}
"""What no vacancy breaks, as long as no minimum wage is known, or on any weekday; in other modules something does."""
REFUSING = sorted(code for code, level in LEVELS.items() if level == "refuse" and code not in ELSEWHERE)
HONEST = [case for case in CASES.cases if case.of == "short" and not case.finds][::8]
UNSAID = {"contact": CONTACT, "settlement": "weekly", "address": "皖江大道边", "occupation": "packer"}


def refused(case: Case) -> set[tuple[str, str]]:
    """The rules that refuse a case, with their fields."""
    finds = [find.split() for find in case.finds]
    return {(code, field) for field, code in finds if LEVELS[code] == "refuse"}


def showing(code: str) -> Case:
    """The first case of a vacancy that this rule alone refuses."""
    return next(case for case in CASES.cases if case.of != "offer" and {one for one, _ in refused(case)} == {code})


def today(value: Any) -> Any:
    """A case's value as if its day were this one."""
    try:
        return (date.fromisoformat(value) + (clock.today() - CASES.on)).isoformat()
    except (TypeError, ValueError):
        return value


@pytest.fixture(scope="module")
async def poster(client: aiohttp.ClientSession) -> Caller:
    return await member(client, await make_organisation(Kind.ENTERPRISE, name="规则示例公司"), Role.CLERK)


async def posted(poster: Caller, case: Case) -> tuple[int, dict[str, Any]]:
    """Post a case and submit it; return the first refusal, or what was submitted."""
    said = {**UNSAID, **CASES.bases[case.of], **case.fields}
    status, found, _ = await poster.ask("POST", "/postings", {name: today(value) for name, value in said.items()})
    if status == 201:
        status, found, _ = await poster.ask("POST", f"/postings/{found['id']}/submit")
    assert isinstance(found, dict)
    return status, found


async def test_every_rule_that_refuses_names_its_field(poster: Caller) -> None:
    wrong = []
    for code in REFUSING:
        case = showing(code)
        status, found = await posted(poster, case)
        pointers = {fault["pointer"] for fault in found.get("errors", ())}
        if (status, pointers) != (422, {f"/{field}" for _, field in refused(case)}):
            wrong.append((code, case.name, status, found.get("errors", found)))
    assert wrong == []
    assert len(REFUSING) > 30


async def test_honest_postings_reach_a_reviewer(poster: Caller) -> None:
    for case in HONEST:
        status, found = await posted(poster, case)
        assert (status, found.get("state")) == (200, "in_review"), (case.name, found)
    assert len(HONEST) > 5


async def test_what_is_refused_says_which_words_and_what_to_write(poster: Caller) -> None:
    status, found = await posted(poster, showing("word_deposit"))
    assert status == 422
    assert [fault["detail"] for fault in found["errors"]] == [
        "说明：写了“押金”，招人不得收押金、保证金，也不得要求担保；请去掉，或写明“不收押金”"
    ]


async def test_what_is_only_warned_of_is_kept_with_its_source(poster: Caller) -> None:
    case = next(case for case in CASES.cases if case.finds == ("hours overtime_week",))
    status, found = await posted(poster, case)
    assert status == 200, found
    told = {finding["code"]: finding for finding in found["findings"]}
    assert set(told) - {"text_doubtful"} == {"overtime_week", "minimum_wage_unknown"}
    assert all(told[code]["source"] for code in ("overtime_week", "minimum_wage_unknown"))
