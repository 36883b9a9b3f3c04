import copy
import json
import logging
import pickle
import traceback

import orjson
import pytest
import structlog
from pydantic import BaseModel, ValidationError
from structlog.testing import capture_logs

from server.gateways.vault import Vault
from server.kernel import sensitive
from server.kernel.ids import new_id
from server.kernel.sensitive import Cell, Kind, Sensitive, VaultError
from tests.harness.keys import VAULT

PHONE = "13900001234"
CELL = Cell("person", "phone_sealed", new_id())
Record = logging.LogRecord


class View(BaseModel):
    phone: Sensitive | None


@pytest.fixture
def phone() -> Sensitive:
    return Sensitive(Kind.PHONE, PHONE)


@pytest.mark.parametrize(
    ("kind", "value", "masked"),
    [
        (Kind.PHONE, PHONE, "*******1234"),
        (Kind.PHONE, "+85261234567", "********4567"),
        (Kind.PHONE, "123456", "***456"),
        (Kind.PHONE, "12345", "***45"),
        (Kind.PHONE, "1", "*"),
        (Kind.PHONE, "", ""),
        (Kind.NAME, "王小明", "**明"),
        (Kind.NAME, "李雷", "*雷"),
        (Kind.NAME, "李", "*"),
        (Kind.NAME, "", "*"),
        (Kind.NAME, "买买提·艾合买提", "*******提"),
    ],
)
def test_what_others_see(kind: Kind, value: str, masked: str) -> None:
    assert Sensitive(kind, value).masked == masked
    assert Sensitive(kind, value).reveal() == value


def test_no_way_of_printing_shows_it(phone: Sensitive) -> None:
    view = View(phone=phone)
    record = Record("any", logging.INFO, "", 0, "told %s %r", (phone, phone), None)
    shown = [
        str(phone), repr(phone), f"{phone}", f"{phone!r:>40}", f"{phone:>40}", "%s %r" % (phone, phone),  # noqa: UP031
        "{} {:s}".format(phone, phone), str([phone]), repr({"phone": phone}), repr(view), str(view),  # noqa: UP032
        view.model_dump_json(), str(view.model_dump()), json.dumps(phone, default=str),
        orjson.dumps({"phone": phone}, default=str).decode(), record.getMessage(),
    ]  # fmt: skip
    assert [text for text in shown if "1234" not in text or "0000" in text] == []


def test_neither_a_log_line_nor_a_traceback_shows_it(phone: Sensitive) -> None:
    with capture_logs() as lines:
        structlog.get_logger().info("told", phone=phone)
    assert PHONE not in repr(lines)
    with pytest.raises(ValueError, match="odd") as error:
        raise ValueError("odd", phone)
    assert PHONE not in "".join(traceback.format_exception(error.value))


def test_it_is_never_pickled_or_copied_and_has_nothing_to_look_into(phone: Sensitive) -> None:
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="never pickled"):
            leak(phone)
    with pytest.raises(TypeError):
        vars(phone)
    with pytest.raises(TypeError):
        json.dumps(phone)
    with pytest.raises(TypeError):
        orjson.dumps(phone)


def test_a_view_gives_it_out_masked_and_takes_no_text_for_it(phone: Sensitive) -> None:
    assert View(phone=phone).model_dump_json() == '{"phone":"*******1234"}'
    assert View(phone=None).model_dump_json() == '{"phone":null}'
    assert View.model_json_schema(mode="serialization")["properties"]["phone"]["anyOf"][0] == {"type": "string"}
    with pytest.raises(ValidationError):
        View.model_validate({"phone": PHONE})


def test_equal_values_of_one_kind_are_equal(phone: Sensitive) -> None:
    assert phone == Sensitive(Kind.PHONE, PHONE)
    assert len({phone, Sensitive(Kind.PHONE, PHONE), Sensitive(Kind.NAME, PHONE)}) == 2
    assert phone != PHONE


def test_nothing_is_sealed_as_nothing(phone: Sensitive) -> None:
    assert sensitive.seal(CELL, None) is None
    assert sensitive.unseal(CELL, Kind.PHONE, None) is None
    envelope = sensitive.seal(CELL, phone)
    assert envelope
    assert sensitive.unseal(CELL, Kind.PHONE, envelope) == phone
    assert VAULT.open(CELL, envelope) == PHONE
    assert sensitive.unseal(CELL, Kind.NAME, sensitive.seal(CELL, Sensitive(Kind.NAME, ""))) is not None


def test_what_this_process_sealed_it_need_not_open_but_in_its_own_cell_and_as_what_it_is(phone: Sensitive) -> None:
    envelope = sensitive.seal(CELL, phone)
    sensitive.use(Vault({"other": bytes(32)}, {"other": bytes(32)}))
    assert sensitive.opened(CELL, Kind.PHONE, envelope) is phone
    elsewhere = CELL._replace(row_id=new_id())
    for cell, kind, text in ((elsewhere, Kind.PHONE, envelope), (CELL, Kind.PHONE, str(envelope))):
        with pytest.raises(VaultError):
            sensitive.opened(cell, kind, text)
    assert PHONE not in repr(envelope) + str(envelope)
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(envelope)


def test_what_does_not_open_says_nothing() -> None:
    with pytest.raises(VaultError) as error:
        sensitive.unseal(CELL, Kind.PHONE, PHONE)
    assert PHONE not in "".join(traceback.format_exception(error.value, chain=False))
    assert error.value.args == ()


def test_a_process_without_a_vault_seals_nothing(phone: Sensitive) -> None:
    sensitive.use(None)
    for leaning in (lambda: sensitive.seal(CELL, phone), lambda: sensitive.unseal(CELL, Kind.PHONE, PHONE)):
        with pytest.raises(RuntimeError, match="no vault"):
            leaning()


def test_the_vault_of_the_gateway_is_one() -> None:
    vault: sensitive.Vault = Vault({"k": bytes(32)}, {"k": bytes(32)})
    sensitive.use(vault)
    assert sensitive.vault() is vault
