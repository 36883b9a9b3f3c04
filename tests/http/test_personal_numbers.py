"""Nobody's number gets into a text that is kept for good."""

from typing import Any

import pytest
from pydantic import ValidationError

from miniprogram_api.appeals import Judgement, NewAppeal
from miniprogram_api.organisation_bodies import Closing, Decision
from miniprogram_api.payee_accounts import Confirming, NewAccount, Refusing
from miniprogram_api.people import Reason
from miniprogram_api.reading import Body
from miniprogram_api.reveals import RevealWanted
from miniprogram_api.students import LinkDecision

NUMBERED = [
    "身份证11010519491231002X不清楚",
    "号码 110105 19491231 002x",
    "１１０１０５１９４９１２３１００２Ｘ",
    "请打13970531864",
    "+86 139-7053-1864",
    "139\u20117053\u20111864",
    "139\u200b7053\u200b1864",
    "1397053186420260901",
    "账号6222 0212 0200 1234 567",
]
HARMLESS = [
    "证照于2026-09-01到期，至2027-09-01",
    "代码91340800MA2XXXXX1X不符",
    "电话0556-5500000",
    "金额12,000.00元",
    "12970531864",
]
KEPT: list[tuple[type[Body], str]] = [
    (Reason, "reason"),
    (NewAppeal, "reason"),
    (Judgement, "reason"),
    (Decision, "reason"),
    (Closing, "reason"),
    (RevealWanted, "reason"),
    (LinkDecision, "reason"),
    (NewAccount, "agent_reason"),
    (Confirming, "reason"),
    (Refusing, "reason"),
]


def faults(model: type[Body], values: dict[str, Any]) -> set[tuple[Any, str]]:
    try:
        model.model_validate(values)
    except ValidationError as error:
        return {(item["loc"], item["type"]) for item in error.errors()}
    return set()


@pytest.mark.parametrize("text", NUMBERED)
def test_a_number_is_refused_however_it_is_written(text: str) -> None:
    assert faults(Reason, {"reason": text}) == {(("reason",), "personal_number")}


@pytest.mark.parametrize("text", HARMLESS)
def test_other_figures_are_not(text: str) -> None:
    assert Reason.model_validate({"reason": f" {text} "}).reason == text


@pytest.mark.parametrize(("model", "name"), KEPT)
def test_every_text_that_is_kept_is_read_so(model: type[Body], name: str) -> None:
    assert ((name,), "personal_number") in faults(model, {name: NUMBERED[0]})
