"""Pushes of the mini-program: permissions used up, templates and limits held."""

from typing import Any

import pytest

from tests.standin.calling import SUBSCRIBE, WeChat

TEMPLATE = "every-kind"
DATA = {
    "thing1": "安庆市第一中等职业学校",
    "number2": "3.5",
    "letter3": "ABC",
    "symbol4": "#",
    "character_string5": "R2026-000123",
    "time6": "2026年3月1日 15:01",
    "date7": "2026-03-01",
    "amount8": "¥500.00元",
    "phone_number9": "+86-0556-5500000",
    "car_number10": "皖H12345",
    "name11": "张三",
    "phrase12": "已通过",
    "enum13": "待处理",
}


async def push(wechat: WeChat, values: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    data = {key: {"value": value} for key, value in (DATA | (values or {})).items() if value is not None}
    asked = {
        "touser": "anna",
        "template_id": TEMPLATE,
        "page": "pages/index/index?id=1",
        "data": data,
        "miniprogram_state": "formal",
        "lang": "zh_CN",
    }
    return await wechat.mini(SUBSCRIBE, **(asked | changes))


@pytest.fixture(autouse=True)
def template(wechat: WeChat) -> None:
    wechat.standin.do("templates", id=TEMPLATE, keys=list(DATA), choices={"enum13": ["待处理", "已完成"]})
    wechat.standin.allow("anna", TEMPLATE)


async def test_each_acceptance_is_one_push(wechat: WeChat) -> None:
    wechat.standin.allow("anna", TEMPLATE)
    assert [(await push(wechat))["errcode"] for _ in range(3)] == [0, 0, 43101]
    first, second = wechat.standin.messages("anna")
    assert first["data"] == {key: {"value": value} for key, value in DATA.items()}
    assert (first["template_id"], first["page"]) == (TEMPLATE, "pages/index/index?id=1")
    assert first["id"] < second["id"]
    assert wechat.standin.messages("berta") == []


@pytest.mark.parametrize("result", ["reject", "ban", "filter"])
async def test_any_other_answer_allows_nothing(wechat: WeChat, result: str) -> None:
    wechat.standin.do("permissions", openid="berta", template_id=TEMPLATE, results=result)
    assert (await push(wechat, touser="berta"))["errcode"] == 43101


async def test_settings_take_permissions_back(wechat: WeChat) -> None:
    wechat.standin.do("permissions", openid="anna", template_id=TEMPLATE, results="reject", in_settings=True)
    assert (await push(wechat))["errcode"] == 43101


async def test_a_long_term_template_uses_nothing_up(wechat: WeChat) -> None:
    wechat.standin.do("templates", id="lasting", keys=["thing1"], long_term=True)
    wechat.standin.do("permissions", openid="anna", results={"lasting": "accept"})
    data = {"thing1": {"value": "开学通知"}}
    assert [(await push(wechat, template_id="lasting", data=data))["errcode"] for _ in range(3)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"touser": "nobody"}, 40003),
        ({"touser": None}, 40003),
        ({"template_id": "unknown"}, 40037),
        ({"template_id": "standin-service-review"}, 40037),
        ({"page": "/pages/index"}, 41030),
        ({"page": "页面"}, 41030),
        ({"page": "p" * 1025}, 41030),
        ({"miniprogram_state": "live"}, 40097),
        ({"data": None}, 47003),
        ({"data": {}}, 47003),
        ({"data": {"thing1": "bare"}}, 47003),
    ],
)
async def test_what_is_wrong_has_a_number_and_costs_no_permission(
    wechat: WeChat, changes: dict[str, Any], errcode: int
) -> None:
    assert (await push(wechat, **changes))["errcode"] == errcode
    assert (await push(wechat))["errcode"] == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("thing1", "字" * 21),
        ("thing1", "两\n行"),
        ("thing1", ""),
        ("thing1", None),
        ("thing1", 5),
        ("number2", "1" * 33),
        ("number2", "三"),
        ("letter3", "A1"),
        ("letter3", "A" * 33),
        ("symbol4", "######"),
        ("symbol4", "a"),
        ("character_string5", "编号1"),
        ("character_string5", "1" * 33),
        ("time6", "25:00"),
        ("time6", "下午三点"),
        ("date7", "3月1日"),
        ("amount8", "12345678901"),
        ("amount8", "五百元"),
        ("phone_number9", "1" * 18),
        ("car_number10", "皖H1234567"),
        ("name11", "张" * 11),
        ("name11", "A" * 21),
        ("phrase12", "一二三四五六"),
        ("phrase12", "OK"),
        ("enum13", "没有这一项"),
        ("thing99", "不在模板里"),
    ],
)
async def test_a_value_past_its_limit_is_named(wechat: WeChat, key: str, value: object) -> None:
    found = await push(wechat, {key: value})
    assert found["errcode"] == 47003
    assert f"data.{key}.value" in found["errmsg"]
    assert (await push(wechat))["errcode"] == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("thing1", "字" * 20),
        ("time6", "15:01"),
        ("time6", "2026年3月1日 15:01~2026年3月2日 16:00"),
        ("date7", "2026年3月1日"),
        ("date7", "2026年3月1日~2026年3月5日"),
        ("amount8", "500"),
        ("amount8", "$12.5"),
        ("name11", "John Smith"),
        ("car_number10", "皖H1234挂"),
    ],
)
async def test_a_value_at_its_limit_passes(wechat: WeChat, key: str, value: str) -> None:
    assert (await push(wechat, {key: value}))["errcode"] == 0


async def test_the_demo_people_are_known_before_they_come(wechat: WeChat) -> None:
    assert (await push(wechat, touser="demo-clerk-a"))["errcode"] == 43101
