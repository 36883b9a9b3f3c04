"""What tests post: an honest vacancy of an invented firm."""

from datetime import timedelta
from typing import Any

from server.kernel import clock
from tests.harness.callers import Caller

OCCUPATION = "tea-picker"
CONTACT = {"name": "孙立行", "phone": "13800000000", "shown": "signed_in"}


def vacancy(**values: Any) -> dict[str, Any]:
    """A body that can be submitted as it is."""
    today = clock.today()
    said = {
        "side": "demand",
        "kind": "short_term",
        "title": "春茶采摘工",
        "occupation": OCCUPATION,
        "region": "340828",
        "address": "岳西县示例乡茶园路1号",
        "headcount": 12,
        "starts_on": (today + timedelta(days=10)).isoformat(),
        "ends_on": (today + timedelta(days=30)).isoformat(),
        "hours": {day: [["08:00", "11:30"], ["13:30", "17:30"]] for day in "12345"},
        "pay_fen": 2200,
        "pay_unit": "hour",
        "settlement": "weekly",
        "meals": True,
        "insurance": "雇主责任险",
        "age_min": 18,
        "age_max": 60,
        "description": "采摘明前茶，有人带教，雨天休息。",
        "contact": CONTACT,
        "valid_until": (today + timedelta(days=20)).isoformat(),
    }
    return {**said, **values}


async def drafted(poster: Caller, **values: Any) -> dict[str, Any]:
    status, made, _ = await poster.ask("POST", "/postings", vacancy(**values))
    assert status == 201, made
    assert isinstance(made, dict)
    return made


async def submitted(poster: Caller, **values: Any) -> dict[str, Any]:
    made = await drafted(poster, **values)
    status, found, _ = await poster.ask("POST", f"/postings/{made['id']}/submit")
    assert status == 200, found
    assert isinstance(found, dict)
    return found


async def decided(reviewer: Caller, posting: str, verdict: str, *reasons: dict[str, str]) -> dict[str, Any]:
    body = {"verdict": verdict, "reasons": list(reasons)}
    _, _, headers = await reviewer.ask("GET", f"/postings/{posting}")
    status, found, _ = await reviewer.ask("POST", f"/postings/{posting}/decision", body, If_Match=headers["ETag"])
    assert status == 200, found
    assert isinstance(found, dict)
    return found


async def published(poster: Caller, reviewer: Caller, **values: Any) -> dict[str, Any]:
    made = await submitted(poster, **values)
    return await decided(reviewer, made["id"], "publish")
