"""id-validator as the oracle, made fast: it builds its tables anew for every question."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from id_validator import data, helper, validator


@contextmanager
def quick() -> Iterator[None]:
    """Let id-validator build each table once."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("get_address_code", "get_address_code_timeline", "get_additional_address_code_timeline"):
            patch.setattr(data, name, functools.cache(getattr(data, name)))
        yield


def accepts(number: str) -> bool:
    return bool(validator.is_valid(number))


def knows(code: str) -> bool:
    """Whether a number of 1990 may begin with `code`."""
    return bool(helper.check_address_code(code, "19900101"))


def codes() -> set[str]:
    """Return what our list should hold, from the oracle's data: see `content/reference/id_regions.yaml`."""
    history = {**data.get_address_code_timeline(), **data.get_additional_address_code_timeline()}
    counties = {code for code in history if code[4:] != "00"}
    return counties | set(_cities_without_parts(history, counties)) | {"810000", "820000", "830000"}


def _cities_without_parts(history: dict[str, list[dict[str, str | int]]], counties: set[str]) -> Iterator[str]:
    """Yield every city that in some year had no part with a code of its own, so that its own began numbers."""

    def was(code: str, year: int) -> bool:
        return any(int(s["start_year"] or 0) <= year <= int(s["end_year"] or 9999) for s in history[code])

    for city in history:
        if city[4:] != "00" or city[2:4] == "00" or not str(history[city][0]["address"]).endswith("市"):
            continue
        parts = [code for code in counties if code[:4] == city[:4]]
        if any(was(city, year) and not any(was(part, year) for part in parts) for year in range(1980, 2022)):
            yield city
