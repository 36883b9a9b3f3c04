"""Whatever comes in, what goes out is a value that WeChat takes: short enough, on one line, never empty."""

import unicodedata
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.app import CONTENT_DIR
from server.notices import catalogue, facts
from server.notices.catalogue import Kind
from server.notices.subjects import NOBODY
from server.notices.values import Fact, Facts, Sort, Values, clean, cut, fault, made, name_of, names, told
from server.standin.templates import Template

KINDS = [kind for told in catalogue.load(CONTENT_DIR).kinds.values() for kind in told.values()]
AT = datetime(2026, 11, 21, 16, 5, tzinfo=UTC)
FACTS: Facts = {
    "title": Fact(Sort.TEXT),
    "number": Fact(Sort.CODE),
    "state": Fact(Sort.WORD, codes=("on", "off")),
    "size": Fact(Sort.NUMBER),
    "pay": Fact(Sort.MONEY),
    "day": Fact(Sort.DAY, optional=True),
    "sure": Fact(Sort.DAY),
    "at": Fact(Sort.MOMENT),
}
WORDS = {"title": {"none": "未命名"}, "state": {"on": "开着", "off": "关掉了的东西"}, "day": {"none": "未定"}}

ANYTHING = st.one_of(
    st.text(max_size=80),
    st.text("🎉👍🏽\u200d\ufe0f\n\r\t \u2028\u0000★", max_size=30),
    st.text("采茶工𠮷ab 1", max_size=60),
)


def some(kind: Kind) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({name: _some(fact) for name, fact in kind.facts.items() if name not in {"id", "at"}})


def _some(fact: Fact) -> st.SearchStrategy[Any]:
    by_sort: dict[Sort, st.SearchStrategy[Any]] = {
        Sort.TEXT: ANYTHING | st.none(),
        Sort.CODE: st.text("R0123456789-", min_size=1, max_size=40),
        Sort.WORD: st.sampled_from(fact.codes or ("",)),
        Sort.NUMBER: st.integers(0, 10**12),
        Sort.MONEY: st.integers(),
        Sort.DAY: st.dates(),
        Sort.MOMENT: st.datetimes(timezones=st.just(UTC)),
    }
    return by_sort[fact.sort] | st.none() if fact.optional else by_sort[fact.sort]


def said(kind: Kind, known: dict[str, Any]) -> None:
    """Fails where WeChat would refuse any value of any push."""
    for many in (False, True):
        message = facts.message(kind, NOBODY, known, AT, subject="thing:1", many=many)
        assert 0 < len(message.title) <= 20
        assert message.text.strip()
        assert len(message.page) <= 200
        for push in message.pushes:
            Template("t", tuple(push.template.keys)).check({key: {"value": value} for key, value in push.data.items()})
            assert all(value == clean(value) for value in push.data.values())


@settings(max_examples=2 * settings().max_examples, deadline=None)
@given(st.data())
def test_wechat_takes_whatever_is_said(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    said(kind, data.draw(some(kind)))


@pytest.mark.parametrize(
    ("text", "number"),
    [(None, 0), ("", 10**12), ("🎉\n\t", 1), ("一" * 60, 10**12), ("𠮷" * 60, 0), ("word " * 12, 99)],
    ids=range(6),
)
def test_wechat_takes_every_kind_at_its_worst(text: str | None, number: int) -> None:
    for kind in KINDS:
        worst: dict[Sort, Any] = {
            Sort.TEXT: text,
            Sort.CODE: "R2026-1234567890123456789",
            Sort.NUMBER: number,
            Sort.MONEY: number,
            Sort.DAY: date(2026, 12, 31),
            Sort.MOMENT: AT,
        }
        for last in range(2):
            known = {
                name: None if fact.optional and text is None else fact.codes[-last] if fact.codes else worst[fact.sort]
                for name, fact in kind.facts.items()
            }
            said(kind, known)


@given(ANYTHING)
def test_cleaned_text_shows(text: str) -> None:
    kept = clean(text)
    assert kept == clean(kept)
    assert not [char for char in kept if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}]


@given(ANYTHING)
def test_a_name_fits(text: str) -> None:
    Template("t", ("name1",)).check({"name1": {"value": name_of(text)}})


@given(st.integers())
def test_an_amount_fits(fen: int) -> None:
    value = made("amount1", "{pay}", FACTS, {"pay": fen}, WORDS)
    Template("t", ("amount1",)).check({"amount1": {"value": value}})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("采茶工\n（示例）", "采茶工 （示例）"),
        ("🎉招工👍🏽啦", "招工啦"),
        ("气温25℃以上", "气温25℃以上"),
        ("👨‍👩‍👧", ""),
        ("①号\u200b仓库", "①号仓库"),
    ],
)
def test_pictures_and_line_breaks_go(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_what_is_too_long_is_cut_with_a_sign_of_it() -> None:
    assert cut("一" * 20, 20) == "一" * 20
    assert cut("一" * 21, 20) == "一" * 19 + "…"
    assert cut("𠮷" * 10, 20) == "𠮷" * 10
    assert cut("𠮷" * 11, 20) == "𠮷" * 9 + "…"


def test_names_of_thirty_characters_are_cut() -> None:
    assert name_of("欧阳" * 15) == "欧阳" * 5
    assert name_of("Maximiliana Wolkenstein zu Rodenegg") == "Maximiliana Wolkenst"
    assert name_of("🎉12") == "微信用户"


def test_people_read_days_moments_and_money() -> None:
    known: Values = {"day": date(2026, 3, 1), "at": AT, "pay": 1250, "size": 3, "title": " ", "state": "on"}
    text = told("{day}/{at}/{pay}/{size}/{title}/{state}", FACTS, known, WORDS)
    assert text == "2026年3月1日/2026年11月22日 00:05/12.50元/3/未命名/开着"
    assert told("{day}", FACTS, {}, WORDS) == "未定"


@pytest.mark.parametrize(
    ("key", "expression"),
    [
        ("thing1", " "),
        ("phrase1", "六个字的短语"),
        ("phrase1", "{title}"),
        ("phrase1", "{state}"),
        ("phrase1", "已{state}"),
        ("time1", "{day}"),
        ("time1", "明天"),
        ("date1", "{day}"),
        ("date1", "{title}"),
        ("amount1", "{size}"),
        ("amount1", "500元"),
        ("number1", "{size}人"),
        ("character_string1", "编号{number}"),
        ("character_string1", "{title}"),
        ("letter1", "{title}"),
        ("enum1", "{state}"),
        ("name1", "{number}"),
    ],
)
def test_what_could_be_refused_is_a_fault(key: str, expression: str) -> None:
    assert fault(key, expression, FACTS, WORDS)


@pytest.mark.parametrize(
    ("key", "expression"),
    [
        ("thing1", "{title}（{size}人，{day}）"),
        ("phrase1", "已录用"),
        ("time1", "{at}"),
        ("date1", "{sure}"),
        ("date1", "{at}"),
        ("amount1", "{pay}"),
        ("number1", "{size}"),
        ("character_string1", "No. {number}"),
        ("name1", "{title}"),
    ],
)
def test_what_always_fits_is_none(key: str, expression: str) -> None:
    assert fault(key, expression, FACTS, WORDS) is None


@pytest.mark.parametrize("expression", ["{}", "{title!r}", "{size:>9}", "{a.b}", "{title", "{0}"])
def test_an_expression_names_facts_and_nothing_else(expression: str) -> None:
    with pytest.raises(ValueError, match=r"name|expected '}'"):
        names(expression)
