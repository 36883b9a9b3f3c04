import base64
import copy
import hmac
import pickle
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.gateways.vault import Vault
from server.kernel.ids import new_id
from server.kernel.sensitive import Cell, Kind, VaultError

OLD, NEW, OTHER, PEPPER = (bytes([number]) * 32 for number in range(4))
VAULT = Vault({"k1": OLD}, {"p1": PEPPER})
ROW = UUID("01234567-89ab-7def-8123-456789abcdef")
CELL = Cell("person", "phone_sealed", ROW)
PHONE = "13900001234"
ENVELOPE = VAULT.seal(CELL, PHONE)
HEADER, DATA = ENVELOPE.rsplit(".", 1)
LONGEST_INDEX = 96


def refused(envelope: str, cell: Cell = CELL, vault: Vault = VAULT) -> bool:
    """Whether it does not open; any other exception than the one goes through."""
    try:
        vault.open(cell, envelope)
    except VaultError as error:
        return not error.args
    return False


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_what_was_sealed_comes_back(value: str) -> None:
    envelope = VAULT.seal(CELL, value)
    assert envelope.startswith("v1.a.k1.")
    assert VAULT.open(CELL, envelope) == value
    assert len(value) < 3 or value not in envelope


def test_no_two_envelopes_are_alike() -> None:
    """A repeated nonce would give away both values, and the key that authenticates."""
    envelopes = {VAULT.seal(CELL, PHONE).rsplit(".", 1)[1][:16] for _ in range(10_000)}
    assert len(envelopes) == 10_000


def test_every_bit_of_an_envelope_counts() -> None:
    for place, character in enumerate(ENVELOPE):
        for bit in range(8):
            altered = ENVELOPE[:place] + chr(ord(character) ^ 1 << bit) + ENVELOPE[place + 1 :]
            assert refused(altered), altered


def test_no_part_of_an_envelope_opens() -> None:
    assert all(refused(ENVELOPE[:end]) for end in range(len(ENVELOPE)))
    assert all(refused(ENVELOPE[start:]) for start in range(1, len(ENVELOPE)))


@given(st.one_of(st.text(), st.binary().map(lambda data: f"{HEADER}.{base64.urlsafe_b64encode(data).decode()}")))
def test_nothing_else_opens_and_nothing_else_is_raised(envelope: str) -> None:
    assert refused(envelope)
    assert refused(f"{HEADER}.{envelope}")


@pytest.mark.parametrize(
    "envelope",
    [
        "",
        "...",
        PHONE,
        f"{HEADER}.",
        f"v2.a.k1.{DATA}",
        f"v1.b.k1.{DATA}",
        f"v1.a.k2.{DATA}",
        f"v1.a..{DATA}",
        f"v1.a.K1.{DATA}",
        f"V1.a.k1.{DATA}",
        f".v1.a.k1.{DATA}",
        f"{ENVELOPE}.",
        f"{ENVELOPE}=",
        f"{ENVELOPE}\n",
        f" {ENVELOPE}",
        f"{ENVELOPE}AAAA",
        f"{HEADER}.{DATA.replace('-', '+').replace('_', '/')}+",
        f"{HEADER}.{DATA[:20]}\n{DATA[20:]}",
        f"{HEADER}.{DATA[:20]}!{DATA[20:]}",
        f"{HEADER}.{DATA[:20]}é{DATA[20:]}",
        f"{HEADER}.\ud800{DATA[1:]}",
        f"{HEADER}." + "A" * 1_000_000,
    ],
)
def test_what_is_no_envelope_of_ours(envelope: str) -> None:
    assert refused(envelope)


@pytest.mark.parametrize(
    "cell",
    [
        Cell("person", "phone_sealed", new_id()),
        Cell("person", "name_sealed", ROW),
        Cell("follower", "phone_sealed", ROW),
        Cell("personphone", "_sealed", ROW),
        Cell("person12:phone_sealed", "", ROW),
    ],
)
def test_an_envelope_opens_in_its_own_cell_only(cell: Cell) -> None:
    assert refused(ENVELOPE, cell)


@given(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5), st.text(max_size=5))
def test_no_two_cells_read_alike(table: str, column: str, other_table: str, other_column: str) -> None:
    envelope = VAULT.seal(Cell(table, column, ROW), PHONE)
    same = (table, column) == (other_table, other_column)
    assert refused(envelope, Cell(other_table, other_column, ROW)) is not same


def test_the_first_key_seals_and_every_key_opens() -> None:
    both = Vault({"k2": NEW, "k1": OLD}, {"p1": PEPPER})
    assert both.open(CELL, ENVELOPE) == PHONE
    assert both.seal(CELL, PHONE).startswith("v1.a.k2.")
    assert refused(both.seal(CELL, PHONE))
    assert refused(ENVELOPE, vault=Vault({"k1": OTHER}, {"p1": PEPPER}))
    assert refused(f"v1.a.k1.{both.seal(CELL, PHONE).rsplit('.', 1)[1]}", vault=Vault({"k1": NEW}, {"p1": PEPPER}))


def test_equal_values_of_one_kind_meet_and_no_others() -> None:
    index = VAULT.index(Kind.PHONE, PHONE)
    assert index == Vault({"k9": NEW}, {"p1": PEPPER}).index(Kind.PHONE, PHONE)
    others = {
        VAULT.index(Kind.NAME, PHONE),
        VAULT.index(Kind.PHONE, "13900001235"),
        VAULT.index(Kind.PHONE, f"{PHONE} "),
        Vault({"k1": OLD}, {"p1": OTHER}).index(Kind.PHONE, PHONE),
    }
    assert index not in others
    assert len(others) == 4


def test_a_value_is_found_under_every_key_and_the_one_in_use_comes_first() -> None:
    both = Vault({"k2": NEW, "k1": OLD}, {"p2": OTHER, "p1": PEPPER})
    alone = Vault({"k1": OLD}, {"p2": OTHER})
    assert both.indexes(Kind.PHONE, PHONE) == (alone.index(Kind.PHONE, PHONE), VAULT.index(Kind.PHONE, PHONE))
    assert both.index(Kind.PHONE, PHONE) == both.indexes(Kind.PHONE, PHONE)[0]
    assert both.index(Kind.PHONE, PHONE).startswith(both.index_header)
    assert both.seal(CELL, PHONE).startswith(both.header)
    assert not ENVELOPE.startswith(both.header)


def test_an_index_says_which_key_made_it_and_fits_its_column() -> None:
    key_id = "k" * 16
    index = Vault({"k1": OLD}, {key_id: PEPPER, "old": OTHER}).index(Kind.PHONE, PHONE)
    assert index.startswith(f"{key_id}.")
    assert PHONE not in index
    assert len(index) <= LONGEST_INDEX


def test_an_index_is_an_hmac_under_a_key_derived_for_its_kind() -> None:
    """HKDF by hand; a change of how it is made would part every stored row from its value."""
    derived = hmac.digest(hmac.digest(bytes(32), PEPPER, "sha256"), b"yizhitong blind index phone\1", "sha256")
    digest = base64.urlsafe_b64encode(hmac.digest(derived, PHONE.encode(), "sha256")).rstrip(b"=").decode()
    assert VAULT.index(Kind.PHONE, PHONE) == f"p1.{digest}" == "p1.HtTfgX7a5ANPyNlUDSGLJs0unbDQZYxhI2u0aVQP8cs"


def test_an_envelope_of_an_earlier_day_still_opens() -> None:
    assert VAULT.open(CELL, "v1.a.k1.jJFz7wTcZd-ljq7YY-jmkL1XGy2mQFyT6ZJBsDJlpUMMrwTs2Yny") == PHONE


def test_keys_are_never_shown_pickled_or_copied() -> None:
    assert repr(VAULT).startswith("<server.gateways.vault.Vault object at ")
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="never pickled"):
            leak(VAULT)
