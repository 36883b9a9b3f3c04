import base64
import copy
import hashlib
import hmac
import json
import pickle
import traceback
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jose import jwt

from server.gateways.tokens import AUDIENCE, ISSUER, LIFETIME, Claims, TokenError, Tokens

KEY, OTHER = b"k" * 32, b"o" * 32
TOKENS = Tokens({"k1": KEY})
PERSON = UUID("01234567-89ab-7def-8123-456789abcdef")
SESSION = UUID("01234567-89ab-7def-8123-456789abcde0")
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
TOKEN = TOKENS.issue(PERSON, SESSION, NOW)
HEAD, CLAIMS, SIGNATURE = TOKEN.split(".")
HEADER = {"alg": "HS256", "kid": "k1", "typ": "at+jwt"}
GOOD: dict[str, Any] = {
    "iss": ISSUER, "aud": AUDIENCE, "sub": str(PERSON), "sid": str(SESSION), "jti": str(PERSON),
    "iat": SECONDS, "exp": SECONDS + 900,
}  # fmt: skip


def encoded(value: Any) -> str:
    """Base64url of a text, bytes, or of anything as JSON."""
    text = value if isinstance(value, str | bytes) else json.dumps(value, separators=(",", ":"), sort_keys=True)
    data = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header: Any, claims: Any, key: bytes = KEY, digest: str = "sha256") -> str:
    """A token whose signature is right, whatever it says."""
    text = f"{encoded(header)}.{encoded(claims)}"
    return f"{text}.{encoded(hmac.digest(key, text.encode(), digest))}"


def refused(token: Any, now: datetime = NOW, tokens: Tokens = TOKENS) -> bool:
    """Whether it is no token; any other exception than the one goes through."""
    try:
        tokens.read(token, now)
    except TokenError as error:
        return (error.slug, error.status, error.facts) == ("not_signed_in", 401, {})
    return False


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    return opening * depth + closing * depth


def test_what_was_issued_is_read() -> None:
    assert TOKENS.read(TOKEN, NOW) == Claims(PERSON, SESSION, NOW + LIFETIME)
    assert not refused(signed(HEADER, GOOD))
    assert len(TOKEN) < 500


def test_a_token_lives_a_quarter_of_an_hour_by_the_clock_it_is_given() -> None:
    assert timedelta(minutes=15) == LIFETIME
    assert not refused(TOKEN, NOW + timedelta(seconds=899.999))
    assert refused(TOKEN, NOW + LIFETIME)
    assert refused(TOKEN, NOW + timedelta(days=3650))


def test_a_clock_a_little_behind_still_takes_it_and_one_far_behind_does_not() -> None:
    assert not refused(TOKEN, NOW - timedelta(seconds=5))
    assert refused(TOKEN, NOW - timedelta(seconds=6))


def test_two_tokens_are_never_alike() -> None:
    assert len({TOKENS.issue(PERSON, SESSION, NOW) for _ in range(1000)}) == 1000


def test_the_first_key_signs_and_every_key_verifies() -> None:
    both = Tokens({"k2": OTHER, "k1": KEY})
    assert both.read(TOKEN, NOW).session_id == SESSION
    assert refused(both.issue(PERSON, SESSION, NOW))
    assert json.loads(base64.urlsafe_b64decode(both.issue(PERSON, SESSION, NOW).split(".")[0] + "=="))["kid"] == "k2"


FOREIGN_KEYS = {
    "another key": signed(HEADER, GOOD, OTHER),
    "an empty key": signed(HEADER, GOOD, b""),
    "a key of zeros": signed(HEADER, GOOD, bytes(32)),
    "the key of another id": signed({**HEADER, "kid": "k2"}, GOOD, KEY),
    "an unknown id": signed({**HEADER, "kid": "k3"}, GOOD, OTHER),
    "the key as text": signed(HEADER, GOOD, base64.b64encode(KEY)),
    "no signature": f"{HEAD}.{CLAIMS}.",
    "no third part": f"{HEAD}.{CLAIMS}",
    "zeros for a signature": f"{HEAD}.{CLAIMS}." + "A" * 43,
    "a short signature": f"{HEAD}.{CLAIMS}.{SIGNATURE[:21]}",
    "another token's signature": f"{HEAD}.{encoded({**GOOD, 'sub': str(SESSION)})}.{SIGNATURE}",
}
ALGORITHM_NAMES: list[Any] = [
    "none", "None", "NONE", "nOnE", "", None, "HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA", "dir",
    "hs256", "HS256 ", "ＨＳ256", ["HS256"], {"HS256": 1}, True, 0,
]  # fmt: skip
ALGORITHMS = {f"algorithm {name!r}": signed({**HEADER, "alg": name}, GOOD) for name in ALGORITHM_NAMES} | {
    "none, unsigned": f"{encoded({**HEADER, 'alg': 'none'})}.{CLAIMS}.",
    "none, with our signature": f"{encoded({**HEADER, 'alg': 'none'})}.{CLAIMS}.{SIGNATURE}",
    "really HS384": signed({**HEADER, "alg": "HS384"}, GOOD, digest="sha384"),
    "really HS512": signed({**HEADER, "alg": "HS512"}, GOOD, digest="sha512"),
    "HS512's signature under HS256": signed(HEADER, GOOD, digest="sha512"),
    "no algorithm": signed({"kid": "k1", "typ": "at+jwt"}, GOOD),
}
ADDED: dict[str, dict[str, Any]] = {
    "crit": {"crit": ["exp"]},
    "unknown crit": {"crit": ["ours"], "ours": 1},
    "empty crit": {"crit": []},
    "b64 false": {"b64": False, "crit": ["b64"]},
    "jwk": {"jwk": {"kty": "oct", "k": encoded(OTHER)}},
    "jku": {"jku": "https://attacker.example/keys"},
    "x5u": {"x5u": "https://attacker.example/cert"},
    "x5c": {"x5c": ["AAAA"]},
    "zip": {"zip": "DEF"},
    "cty": {"cty": "JWT"},
    "enc": {"enc": "A256GCM"},
    "a path for a kid": {"kid": "../../../../dev/null"},
    "SQL for a kid": {"kid": "k1' UNION SELECT 'AAAA"},
    "a command for a kid": {"kid": "|/bin/sleep 5"},
    "a null byte in the kid": {"kid": "k1\0"},
    "a number for a kid": {"kid": 1},
    "a list for a kid": {"kid": ["k1"]},
    "no kid": {"kid": None},
    "an empty kid": {"kid": ""},
    "the usual typ": {"typ": "JWT"},
    "another purpose": {"typ": "refresh+jwt"},
    "typ in capitals": {"typ": "AT+JWT"},
    "no typ": {"typ": None},
}
HEADERS = {f"header with {name}": signed({**HEADER, **more}, GOOD) for name, more in ADDED.items()} | {
    "header without typ": signed({"alg": "HS256", "kid": "k1"}, GOOD),
    "header in another order": signed('{"typ":"at+jwt","kid":"k1","alg":"HS256"}', GOOD),
    "header with blanks": signed(json.dumps(HEADER), GOOD),
    "header said twice": signed('{"alg":"none","alg":"HS256","kid":"k1","typ":"at+jwt"}', GOOD),
    "header that is a list": signed([HEADER], GOOD),
    "header that is a text": signed('"HS256"', GOOD),
    "header that is empty": f".{CLAIMS}.{SIGNATURE}",
    "header that is no JSON": signed("alg=HS256", GOOD),
    "header that is no UTF-8": signed(b"\xff\xfe{}", GOOD),
    "header that nests": signed(nested(1000), GOOD),
    "header that nests objects": signed('{"a":' * 500 + "1" + "}" * 500, GOOD),
}
SPELLINGS = {
    "padding": f"{TOKEN}=",
    "padding inside": f"{HEAD}.{CLAIMS}=.{SIGNATURE}",
    "a newline behind": f"{TOKEN}\n",
    "a newline inside": f"{HEAD}.{CLAIMS}.{SIGNATURE[:20]}\n{SIGNATURE[20:]}",
    "a blank in front": f" {TOKEN}",
    "a null byte behind": f"{TOKEN}\0",
    "rubbish behind": f"{TOKEN}AAAA",
    "a dot behind": f"{TOKEN}.",
    "a dot in front": f".{TOKEN}",
    "Bearer in front": f"Bearer {TOKEN}",
    "four parts": f"{TOKEN}.{SIGNATURE}",
    "five parts, as JWE has": f"{HEAD}.{SIGNATURE}.{SIGNATURE}.{CLAIMS}.{SIGNATURE}",
    "the JSON form": json.dumps({"protected": HEAD, "payload": CLAIMS, "signature": SIGNATURE}),
    "full-width digits": TOKEN.translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)}),
    "a letter from elsewhere": TOKEN.replace("e", "е", 1),
    "half a surrogate": f"{TOKEN[:-1]}\ud800",
    "percent signs": TOKEN.replace(".", "%2E"),
    "100 kB": f"{HEAD}.{'A' * 100_000}.{SIGNATURE}",
    "100 kB, signed": signed(HEADER, {**GOOD, "jti": "j" * 100_000}),
    "100 kB of dots": "." * 100_000,
    "nothing": "",
    "dots": "..",
    "None": None,
    "bytes": TOKEN.encode(),
    "a number": 7,
}


@pytest.mark.parametrize("name", [*FOREIGN_KEYS, *ALGORITHMS, *HEADERS, *SPELLINGS])
def test_a_published_attack_is_refused(name: str) -> None:
    assert refused({**FOREIGN_KEYS, **ALGORITHMS, **HEADERS, **SPELLINGS}[name])


def test_the_standard_alphabet_is_another_spelling() -> None:
    """Some token of a few has a character in which the two alphabets differ."""
    found = [token for token in (TOKENS.issue(PERSON, SESSION, NOW) for _ in range(50)) if {"-", "_"} & set(token)]
    assert found
    assert all(refused(token.replace("-", "+").replace("_", "/")) for token in found)


def test_a_signature_has_one_spelling_only() -> None:
    """The two last bits of its last character mean nothing, so a lax reader takes four tokens for one."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    place = alphabet.index(TOKEN[-1])
    twins = [TOKEN[:-1] + alphabet[place + spare] for spare in (1, 2, 3)]
    assert {base64.urlsafe_b64decode(twin.split(".")[2] + "=") for twin in twins} == {
        base64.urlsafe_b64decode(f"{SIGNATURE}=")
    }
    assert all(refused(twin) for twin in twins)


def test_a_key_for_verifying_is_none_for_signing() -> None:
    """RS256's public key as HS256's secret: there is no public key here, and a PEM is not taken for a secret."""
    pem = b"-----BEGIN PUBLIC KEY-----\nMFww\n-----END PUBLIC KEY-----\n"
    assert refused(signed(HEADER, GOOD, pem))
    assert refused(signed({**HEADER, "alg": "RS256"}, GOOD, pem))


def test_the_library_alone_would_take_some_of_these() -> None:
    """Were this to fail, the wrapper might be thinner."""
    loose = signed({**HEADER, "crit": ["ours"]}, {"sub": "anybody"})
    assert jwt.decode(loose, KEY, algorithms=["HS256"], audience=AUDIENCE) == {"sub": "anybody"}


MOMENTS: dict[str, Any] = {
    "a float": SECONDS + 900.0, "true": True, "a text": str(SECONDS + 900), "null": None, "a list": [SECONDS + 900],
    "an object": {}, "negative": -1, "zero": 0, "past": SECONDS, "a second too long": SECONDS + 901,
    "huge": 10**30, "beyond any": 10**400, "milliseconds": SECONDS * 1000,
}  # fmt: skip
RAW = json.dumps(GOOD)
CLAIM_FORMS: dict[str, Any] = (
    {f"exp {name}": {**GOOD, "exp": value} for name, value in MOMENTS.items()}
    | {f"iat {name}": {**GOOD, "iat": value} for name, value in MOMENTS.items() if value != SECONDS}
    | {f"without {name}": {key: value for key, value in GOOD.items() if key != name} for name in GOOD}
    | {f"null {name}": {**GOOD, name: None} for name in GOOD}
    | {f"a list of {name}": {**GOOD, name: [GOOD[name]]} for name in GOOD}
    | {f"{name} in capitals": {**GOOD, name: GOOD[name].upper()} for name in ("sub", "sid", "jti", "iss", "aud")}
    | {f"{name} that is no id": {**GOOD, name: "1"} for name in ("sub", "sid", "jti")}
    | {f"{name} in braces": {**GOOD, name: f"{{{GOOD[name]}}}"} for name in ("sub", "sid", "jti")}
    | {f"{name} that is a number": {**GOOD, name: 7} for name in ("sub", "sid", "jti", "iss", "aud")}
    | {f"{name} repeated": RAW.replace(f'"{name}"', f'"{name}": {json.dumps(GOOD[name])}, "{name}"') for name in GOOD}
    | {
        "iat a float, and right": {**GOOD, "iat": float(SECONDS)},
        "more than 4 kB": RAW + " " * 4096,
        "exp 1e400": RAW.replace(str(SECONDS + 900), "1e400"),
        "exp 1e9": RAW.replace(str(SECONDS + 900), f"{SECONDS + 900}e0"),
        "exp NaN": RAW.replace(str(SECONDS + 900), "NaN"),
        "exp Infinity": RAW.replace(str(SECONDS + 900), "Infinity"),
        "exp of 3,000 digits": RAW.replace(str(SECONDS + 900), "9" * 2000),
        "exp in other digits": RAW.replace(str(SECONDS + 900), "１７９"),
        "exp under an escape, again": RAW.replace('"exp"', '"\\u0065xp": 1, "exp"'),
        "another service": {**GOOD, "aud": "another-api"},
        "two audiences": {**GOOD, "aud": [AUDIENCE, "another-api"]},
        "another issuer": {**GOOD, "iss": "attacker"},
        "a limit that is not ours": {**GOOD, "nbf": SECONDS + 600},
        "issued in the future": {**GOOD, "iat": SECONDS + 60, "exp": SECONDS + 600},
        "issued after its end": {**GOOD, "iat": SECONDS + 4, "exp": SECONDS + 3},
        "issued long ago": {**GOOD, "iat": SECONDS - 86400, "exp": SECONDS + 900},
        "nothing": {},
        "no object": [GOOD],
        "a number": "7",
        "null": "null",
        "no JSON": "sub=1",
        "no UTF-8": b"\xff\xfe",
        "two objects": RAW + RAW,
        "nested lists": nested(1000),
        "nested objects": '{"a":' * 500 + "1" + "}" * 500,
        "a token inside": TOKEN,
    }
)


@pytest.mark.parametrize("name", CLAIM_FORMS)
def test_claims_that_are_not_ours_are_refused_though_signed(name: str) -> None:
    assert refused(signed(HEADER, CLAIM_FORMS[name]))


@given(st.integers(0, len(TOKEN) - 1), st.characters())
def test_any_character_changed_is_refused(place: int, character: str) -> None:
    altered = TOKEN[:place] + character + TOKEN[place + 1 :]
    assert altered == TOKEN or refused(altered)


def test_any_bit_changed_any_part_cut_is_refused() -> None:
    for place, character in enumerate(TOKEN):
        assert all(refused(TOKEN[:place] + chr(ord(character) ^ 1 << bit) + TOKEN[place + 1 :]) for bit in range(8))
        assert refused(TOKEN[:place])
        assert refused(TOKEN[:place] + TOKEN[place + 1 :])


@given(st.text(), st.text(), st.text())
def test_rubbish_is_refused_and_nothing_else_raised(one: str, two: str, three: str) -> None:
    assert refused(one)
    assert refused(f"{one}.{two}.{three}")
    assert refused(f"{HEAD}.{encoded(two)}.{encoded(hashlib.sha256(three.encode(errors='replace')).digest())}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), JSON), st.sampled_from(sorted(GOOD)))
def test_signed_rubbish_is_refused_and_nothing_else_raised(changes: dict[str, Any], name: str) -> None:
    claims = {**GOOD, **changes}
    right = all(claims[key] == GOOD[key] and type(claims[key]) is type(GOOD[key]) for key in GOOD if key != "iat")
    assert refused(signed(HEADER, claims)) or (right and type(claims["iat"]) is int)
    del claims[name]
    assert refused(signed(HEADER, claims))


def test_a_refusal_carries_nothing_of_the_token() -> None:
    forged = signed(HEADER, {**GOOD, "sub": "attacker-was-here"})
    with pytest.raises(TokenError) as error:
        TOKENS.read(forged, NOW)
    told = "".join(traceback.format_exception(error.value))
    assert forged not in told
    assert "attacker" not in told


def test_keys_are_never_shown_pickled_or_copied() -> None:
    assert repr(TOKENS).startswith("<server.gateways.tokens.Tokens object at ")
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="never pickled"):
            leak(TOKENS)
