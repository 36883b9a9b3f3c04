"""Log lines are JSON and hold no personal data."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from server.kernel import log


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_event_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("INFO")
    structlog.get_logger("a").info("thing happened", number=3)
    [line] = lines(capsys)
    assert (line["event"], line["number"], line["level"]) == ("thing happened", 3, "info")


@pytest.mark.parametrize("library", [False, True])
def test_an_exception_shows_its_type_and_places_but_not_its_words(
    capsys: pytest.CaptureFixture[str], *, library: bool
) -> None:
    log.configure("INFO")
    try:
        raise ValueError("Key (id_number)=(340802200901011234) already exists")  # noqa: TRY301 -- a test needs one
    except ValueError as error:
        if library:
            logging.getLogger("sanic.error").exception("it failed")
        else:
            structlog.get_logger("b").error("it failed", exc_info=error)
    text = capsys.readouterr().out
    assert "340802200901011234" not in text
    line = json.loads(text)
    assert line["error"] == "ValueError"
    assert any("test_log.py" in place for place in line["places"])
