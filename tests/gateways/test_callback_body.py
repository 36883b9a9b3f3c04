"""XML and JSON come out alike, and what is malformed is one kind of refusal."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.gateways.wechat.callback import BODY_LIMIT_BYTES
from tests.callbacks.reading import opened, refusal
from tests.callbacks.sealing import Call, as_json, as_xml, event, plain, sealed

characters = st.text(st.characters(codec="utf-8"), max_size=70)


@pytest.mark.parametrize("inside", [as_xml, as_json])
@pytest.mark.parametrize("json_outside", [False, True])
@pytest.mark.parametrize("secure_only", [False, True])
def test_a_sealed_event_is_read_in_every_dress(inside: Any, *, json_outside: bool, secure_only: bool) -> None:
    fields = event("subscribe", "o-1", EventKey="安庆 <&> 1")
    found = opened(sealed(inside(fields), json_outside=json_outside), secure_only=secure_only)
    assert (found.name, found.openid, found.payload["EventKey"]) == ("subscribe", "o-1", "安庆 <&> 1")
    assert int(found.created_at.timestamp()) == int(fields["CreateTime"])


@pytest.mark.parametrize("dress", [as_xml, as_json])
def test_plain_mode_is_read_in_development_and_refused_in_production(dress: Any) -> None:
    call = plain(dress(event("subscribe", "o-1")))
    assert opened(call).name == "subscribe"
    assert refusal(call, secure_only=True) == "callback_refused"


def test_a_message_is_named_after_its_kind() -> None:
    fields = {**event(), "MsgType": "text", "MsgId": 7_000_000_000_000_000_001, "Content": "您好"}
    found = opened(sealed(as_json(fields)))
    assert (found.name, found.payload["MsgId"]) == ("message.text", "7000000000000000001")


ITEM = {"TemplateId": "t-1", "SubscribeStatusString": "accept", "PopupScene": 0}
TEXTS = {name: str(value) for name, value in ITEM.items()}


@pytest.mark.parametrize(
    ("body", "items"),
    [
        (as_json(event("popup", List=ITEM)), [TEXTS]),
        (as_json(event("popup", List=[ITEM])), [TEXTS]),
        (as_json(event("popup", List=[ITEM, ITEM])), [TEXTS, TEXTS]),
        (as_json(event("popup", SubscribeMsgPopupEvent={"List": ITEM})), [TEXTS]),
        (as_xml(event("popup", SubscribeMsgPopupEvent={"List": ITEM})), [TEXTS]),
        (as_xml(event("popup", SubscribeMsgPopupEvent={"List": [ITEM, ITEM]})), [TEXTS, TEXTS]),
        (as_xml(event("popup", List=ITEM)), [TEXTS]),
        (as_xml(event("popup", SubscribeMsgPopupEvent={"List": ""})), [""]),
        (as_json(event("popup", List=[])), []),
    ],
)
def test_a_list_is_an_array_in_whatever_shape_it_comes(body: bytes, items: list[Any]) -> None:
    payload = opened(sealed(body)).payload
    assert payload["List"] == items
    assert "SubscribeMsgPopupEvent" not in payload


def test_every_scalar_is_text() -> None:
    more: dict[str, Any] = {"a": 1, "b": 1.50, "c": True, "d": None, "e": {"f": [1, False]}}
    found = opened(sealed(as_json(event(**more)))).payload
    assert {name: found[name] for name in more} == {
        "a": "1",
        "b": "1.5",
        "c": "true",
        "d": "",
        "e": {"f": ["1", "false"]},
    }
    huge = as_json(event())[:-1] + b', "n": 1e400, "m": ' + b"9" * 5000 + b"}"
    assert opened(sealed(huge)).payload["n"] == "1e400"


COMMON = b"<FromUserName>o</FromUserName><CreateTime>1700000000</CreateTime><MsgType>text</MsgType>"
LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
MALFORMED = [
    b"",
    b" ",
    b"\0",
    b"nonsense",
    b"<",
    b"<xml>",
    b"<xml/>",
    b"<xml></xml><xml></xml>",
    b"<xml>" + COMMON + b"</xml><xml/>",
    b"<other>" + COMMON + b"</other>",
    b"<xml>" + COMMON + b"\xff</xml>",
    b"<xml>" + COMMON + b"<a>\0</a></xml>",
    b"<xml>" + COMMON + b"<a>&#0;</a></xml>",
    b"<xml>" + COMMON + b"<a>&unknown;</a></xml>",
    b"<xml>" + COMMON + b"text between</xml>",
    b"<xml>" + COMMON + b"<CreateTime>1700000001</CreateTime></xml>",
    b"<xml>" + COMMON.replace(b"1700000000", b"soon") + b"</xml>",
    b"<xml>" + COMMON.replace(b">o<", b"><") + b"</xml>",
    b"<xml>" + COMMON.replace(b">o<", b">" + b"o" * 65 + b"<") + b"</xml>",
    b"<xml>" + COMMON.replace(b">text<", b">event<") + b"</xml>",
    b"<xml>" + COMMON.replace(b">text<", b"><b>text</b><") + b"</xml>",
    b"<xml>" + COMMON + b"<a>" * 50 + b"</a>" * 50 + b"</xml>",
    b"<xml>" + b"<a>" * 8000,
    b"<xml>" + COMMON + b"<a/>" * 1000 + b"</xml>",
    b'<!DOCTYPE xml SYSTEM "file:///etc/passwd"><xml>' + COMMON + b"</xml>",
    b'<!DOCTYPE xml [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml>' + COMMON + b"<a>&f;</a></xml>",
    b'<!DOCTYPE xml [<!ENTITY % p SYSTEM "http://127.0.0.1:1/p">%p;]><xml>' + COMMON + b"</xml>",
    b'<!DOCTYPE xml [<!ENTITY l0 "ha">' + LAUGHS + b"]><xml>" + COMMON + b"<a>&l9;</a></xml>",
    b'<?xml version="1.0" encoding="UTF-16"?>' + "<xml/>".encode("utf-16"),
    "<xml></xml>".encode("utf-16"),
    b"{}",
    b"[]",
    b"null",
    b'"text"',
    b"1e400",
    b"{",
    b'{"a": NaN}',
    b'{"a": -Infinity}',
    b'{"a": 1, "a": 2}',
    b'{"a": {"b": 1, "b": 2}}',
    b'{"a": "\\ud800"}',
    b'{"a": "\\u0000"}',
    b'{"\\u0000": 1}',
    b'{"a": "\xff"}',
    b'\xef\xbb\xbf{"a": 1}',
    b'{"a": ' + b"[" * 20 + b"]" * 20 + b"}",
    b"[" * 60_000,
    b'{"a": ' * 10_000,
    as_json({**event(), "CreateTime": 1e400}),
    as_json({**event(), "CreateTime": True}),
    as_json({**event(), "FromUserName": ["o"]}),
    as_json({**event(), "Event": None}),
    as_json({**event(), "Event": "name with blanks"}),
    as_json({**event(), "Event": "x" * 57}),
]


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_what_cannot_be_read_is_400_inside_and_out(body: bytes) -> None:
    if len(body) < 30_000:
        assert refusal(sealed(body)) == "callback_unreadable"
    assert refusal(plain(body)) == "callback_unreadable"
    outside = sealed(as_xml(event()))
    assert refusal(Call(outside.query, body)) == "callback_unreadable"


def test_a_body_past_the_limit_is_413_before_anything_else() -> None:
    assert refusal(Call({}, b"<" * (BODY_LIMIT_BYTES + 1))) == "body_too_large"
    long = {**event(), "MsgType": "text", "Content": "安" * 14_000}
    assert opened(plain(as_json(long))).payload["Content"] == long["Content"]


@settings(max_examples=3 * settings().max_examples, deadline=None, database=None)
@given(message=st.binary(max_size=300))
def test_whatever_lies_in_a_rightly_signed_envelope_is_no_error_of_ours(message: bytes) -> None:
    assert refusal(sealed(message)) == "callback_unreadable"


@settings(max_examples=3 * settings().max_examples, deadline=None, database=None)
@given(
    fields=st.dictionaries(st.from_regex(r"[A-Z][a-z]{1,8}", fullmatch=True), characters.map(lambda text: text.strip()))
)
def test_whatever_an_event_says_comes_out_as_it_went_in(fields: dict[str, str]) -> None:
    fields = {name: text for name, text in fields.items() if "\0" not in text}
    found = opened(sealed(as_json({**event(), "List": [fields]}))).payload
    assert found["List"] == [fields]
