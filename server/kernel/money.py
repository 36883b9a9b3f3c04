"""Money is an integer count of fen (分), CNY; yuan exist only in what people write and read."""

from decimal import Decimal

_LONGEST = 25
"""So many characters has an amount at most; all their digits are reckoned with."""
_MOST = 10**15


def fen(yuan: str | int) -> int:
    """Return the fen in an amount written in yuan (`"500"`, `"0.05"`, `500`).

    Raises ValueError for anything that is not an amount of whole fen, at most `_MOST` of them; never rounds.
    """
    if isinstance(yuan, str) and len(yuan) > _LONGEST:
        raise ValueError("not an amount in yuan: too long")
    try:
        exact = Decimal(yuan) * 100
        whole = exact.to_integral_value()
    except ArithmeticError:
        raise ValueError(f"not an amount in yuan: {yuan!r}") from None
    if not exact.is_finite() or exact != whole or abs(exact) > _MOST:
        raise ValueError(f"not a whole number of fen: {yuan!r}")
    return int(whole)


def yuan_text(amount_fen: int) -> str:
    """Return fen as people read them: `50000` -> `500`, `1234567` -> `12345.67`."""
    sign = "-" if amount_fen < 0 else ""
    whole, rest = divmod(abs(amount_fen), 100)
    return f"{sign}{whole}.{rest:02d}" if rest else f"{sign}{whole}"
