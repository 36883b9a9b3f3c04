from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.kernel.money import fen, yuan_text


@given(st.integers(-(10**15), 10**15))
def test_what_is_written_is_read_back(amount: int) -> None:
    assert fen(yuan_text(amount)) == amount
    assert Decimal(yuan_text(amount)) == Decimal(amount) / 100


@pytest.mark.parametrize(("written", "amount"), [("500", 50_000), (500, 50_000), ("0.05", 5), ("1e2", 10_000)])
def test_yuan_become_fen(written: str | int, amount: int) -> None:
    assert fen(written) == amount


@pytest.mark.parametrize(
    "written", ["0.005", "NaN", "Infinity", "", "五百", "1,000", "9e999999", "9e999990", "1e14", "5." + "0" * 30 + "1"]
)
def test_what_is_no_whole_fen_is_refused_and_never_rounded(written: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        fen(written)
