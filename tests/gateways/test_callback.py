"""Only what WeChat signed for us just now is read, and whatever else comes is one kind of refusal."""

import base64
import struct
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from server.gateways.wechat.callback import CallbackReader
from server.kernel import clock
from server.kernel.errors import DomainError
from server.secrets import WeChatAccount
from tests.callbacks.reading import NOTHING, opened, reader, refusal
from tests.callbacks.sealing import (
    MINI_PROGRAM,
    SERVICE_ACCOUNT,
    Call,
    around,
    as_xml,
    envelope,
    event,
    greeting,
    now,
    plain,
    sealed,
    signature,
)

KEY = base64.b64decode(MINI_PROGRAM.callback_key + "=")


def encrypted(padded: bytes) -> str:
    encryptor = Cipher(algorithms.AES(KEY), modes.CBC(KEY[:16])).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def content(message: bytes, length: int | None = None, appid: str = MINI_PROGRAM.appid) -> bytes:
    return b"r" * 16 + struct.pack(">I", len(message) if length is None else length) + message + appid.encode()


def padded(data: bytes, block: int = 32) -> bytes:
    number = block - len(data) % block
    return data + bytes([number]) * number


@pytest.mark.parametrize("echostr", ["4832091785", "a", "x" * 256, "<script>alert(1)</script>", "a b+/=&%41"])
def test_the_echo_comes_back_as_it_was(echostr: str) -> None:
    assert reader().verify({**NOTHING, **greeting(echostr=echostr).query}, clock.now()) == echostr


@pytest.mark.parametrize("echostr", ["", "x" * 257, "a\nb", "a\r\nSet-Cookie: b", "\0", "安庆", "a\x7f"])
def test_an_echo_that_is_no_plain_text_is_refused(echostr: str) -> None:
    with pytest.raises(DomainError, match="callback_unreadable"):
        reader().verify({**NOTHING, **greeting(echostr=echostr).query}, clock.now())


MADE_AT = clock.now()
RIGHT = greeting().query["signature"]
WRONG_SIGNATURES = ["", "0" * 40, RIGHT[:-1], RIGHT + "0", "é" * 40, "\ud800", "签" * 40, "a" * 100_000]


@pytest.mark.parametrize("wrong", [*WRONG_SIGNATURES, RIGHT.upper()])
def test_a_wrong_signature_is_refused(wrong: str) -> None:
    clock.move_to(MADE_AT)
    with pytest.raises(DomainError, match="callback_refused"):
        reader().verify({**NOTHING, **greeting().query, "signature": wrong}, clock.now())
    assert refusal(plain(as_xml(event())).with_query(signature=wrong)) == "callback_refused"
    call = sealed(as_xml(event())).with_query(msg_signature=wrong, signature=RIGHT if wrong else "")
    assert refusal(call) == "callback_refused"


def test_a_plain_signature_does_not_open_an_envelope() -> None:
    """It covers no body: whoever saw one call could put any envelope behind it."""
    call = sealed(as_xml(event()))
    assert refusal(call.with_query(msg_signature=call.query["signature"])) == "callback_refused"
    assert refusal(call.with_query(msg_signature="")) == "callback_refused"


@pytest.mark.parametrize("offset", [-299, 0, 299])
def test_a_clock_that_is_minutes_off_is_borne(offset: int) -> None:
    assert opened(sealed(as_xml(event()), timestamp=now(offset))).name == "subscribe"


@pytest.mark.parametrize("timestamp", [-302, 302, -86_400, 10**8])
def test_what_is_not_fresh_is_refused(timestamp: int) -> None:
    assert refusal(sealed(as_xml(event()), timestamp=now(timestamp))) == "callback_refused"
    assert refusal(plain(as_xml(event()), timestamp=now(timestamp))) == "callback_refused"
    with pytest.raises(DomainError, match="callback_refused"):
        reader().verify({**NOTHING, **greeting(timestamp=now(timestamp)).query}, clock.now())


def test_yesterdays_call_is_refused_today() -> None:
    call = sealed(as_xml(event()))
    assert opened(call)
    clock.move_to(clock.now() + timedelta(minutes=6))
    assert refusal(call) == "callback_refused"


@pytest.mark.parametrize(
    "timestamp", ["", "0", "-1", "1e9", "１７００００００００", "9" * 11, "1700000000\n", " 170000000"]
)
def test_a_timestamp_that_is_none_is_refused(timestamp: str) -> None:
    call = around(envelope(as_xml(event())), timestamp=timestamp or None)
    assert refusal(call.with_query(timestamp=timestamp)) == "callback_refused"


@pytest.mark.parametrize("nonce", ["", "n" * 65, "a b", "\ud800", "随"])
def test_a_nonce_that_is_none_is_refused(nonce: str) -> None:
    query = {**NOTHING, **greeting().query, "nonce": nonce}
    query["signature"] = signature(MINI_PROGRAM.callback_token, query["timestamp"], nonce) if nonce.isascii() else "x"
    with pytest.raises(DomainError, match="callback_refused"):
        reader().verify(query, clock.now())


def test_the_other_accounts_events_are_refused() -> None:
    message = as_xml(event())
    assert refusal(sealed(message, appid=SERVICE_ACCOUNT.appid)) == "callback_refused"
    assert refusal(sealed(message, appid=MINI_PROGRAM.appid + "0")) == "callback_refused"
    assert refusal(sealed(message, appid=MINI_PROGRAM.appid[:-1])) == "callback_refused"
    assert refusal(sealed(message, SERVICE_ACCOUNT)) == "callback_refused"  # another key, the same token
    stranger = WeChatAccount(MINI_PROGRAM.appid, "", "another token", MINI_PROGRAM.callback_key)
    assert refusal(sealed(message, stranger)) == "callback_refused"


WHOLE = envelope(as_xml(event()))


@pytest.mark.parametrize(
    "garbled",
    [
        "A", "AAAA", WHOLE[:-4], WHOLE[:-1], WHOLE + "=", WHOLE + "AAAA", WHOLE[44:], WHOLE.replace("=", ""),
        "-" + WHOLE[1:], "安" * 20, "A" * 64, "A" * 44, WHOLE[:20] + " " + WHOLE[20:], WHOLE[:22] + "=" + WHOLE[23:],
    ],
)  # fmt: skip
def test_a_garbled_envelope_is_refused_though_signed(garbled: str) -> None:
    assert garbled != WHOLE
    assert refusal(around(garbled)) == "callback_refused"


MESSAGE = as_xml(event())
WITHOUT_PADDING = content(MESSAGE + b" " * (-len(content(MESSAGE)) % 32))


@pytest.mark.parametrize(
    "inside",
    [
        b"",
        WITHOUT_PADDING,
        WITHOUT_PADDING[:-1] + b"\x00",
        WITHOUT_PADDING[:-2] + b"\x01\x02",
        WITHOUT_PADDING[:-33] + bytes([33]) * 33,
        WITHOUT_PADDING[:-1] + b"\xff",
        padded(content(MESSAGE, 0)),
        padded(content(MESSAGE, len(MESSAGE) - 1)),
        padded(content(MESSAGE, len(MESSAGE) + 1)),
        padded(content(MESSAGE, 2**32 - 1)),
        padded(content(MESSAGE, appid="")),
        padded(b"r" * 16),
        padded(b"r" * 18),
        padded(b""),
        b"\x10" * 16,
        b"\x20" * 32,
    ],
)
def test_padding_and_length_are_taken_at_their_word(inside: bytes) -> None:
    assert refusal(around(encrypted(inside) or "====")) == "callback_refused"


def test_padding_to_the_ciphers_own_block_is_fine() -> None:
    assert opened(around(encrypted(padded(content(MESSAGE), 16)))).name == "subscribe"


def test_an_unsigned_body_is_not_even_read_in_production() -> None:
    assert refusal(Call(greeting().query, b"<xml>" * 10_000), secure_only=True) == "callback_refused"
    stale = sealed(as_xml(event()), timestamp=now(-1000))
    assert refusal(Call(stale.query, b"<xml>" * 10_000), secure_only=True) == "callback_refused"


def test_a_key_that_is_none_is_refused_without_being_shown() -> None:
    for key in ("", "short", "x" * 43 + "!", "*" * 43):
        with pytest.raises(ValueError, match="43 characters") as caught:
            CallbackReader("wx", "token", key, secure_only=True)
        assert key not in str(caught.value) or not key


VALID = sealed(as_xml(event()))
MUTABLE = ("timestamp", "nonce", "msg_signature")
characters = st.text(st.characters(codec="utf-8"), max_size=70)


@settings(max_examples=4 * settings().max_examples, deadline=None, database=None)
@given(name=st.sampled_from(MUTABLE), value=characters)
def test_no_other_query_is_accepted(name: str, value: str) -> None:
    clock.move_to(MADE_AT)
    assert opened(VALID, secure_only=True)
    if value != VALID.query[name]:
        assert refusal(VALID.with_query(**{name: value}), secure_only=True) == "callback_refused"


@settings(max_examples=6 * settings().max_examples, deadline=None, database=None)
@given(at=st.integers(0, len(VALID.body) - 1), removed=st.integers(0, 8), inserted=st.binary(max_size=8))
def test_no_other_envelope_is_accepted(at: int, removed: int, inserted: bytes) -> None:
    """What lies outside the envelope is never read, so a change there changes nothing."""
    clock.move_to(MADE_AT)
    assert opened(VALID, secure_only=True)
    body = VALID.body[:at] + inserted + VALID.body[at + removed :]
    if WHOLE_ENVELOPE in body:
        return
    assert refusal(Call(VALID.query, body), secure_only=True) in {"callback_refused", "callback_unreadable"}


WHOLE_ENVELOPE = b"<Encrypt>" + VALID.body.partition(b"<Encrypt>")[2].partition(b"</Encrypt>")[0] + b"</Encrypt>"
