"""Which refresh tokens are being shown at this moment: it tells a race from a theft.

Of requests that show one token at the same time one wins, and the others are its own holder's: a page that asked
twice. A request that shows it when no other is under way any more comes from somebody who kept the token.

This process knows its own requests only. Across processes the chain goes on through the token's row: whoever loses a
race moves its `used_at` to their own moment, so that the next one, wherever it is met, overlaps with them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from server.kernel import clock

LONGEST = timedelta(seconds=5)
"""So that nobody hides a theft behind an unbroken chain of requests of their own."""

_under_way: dict[str, tuple[int, datetime]] = {}


@contextmanager
def under_way(token_hash: str) -> Iterator[datetime]:
    """Count a request as showing the token; give the moment since which it has been shown without a break.

    Another process's requests are not seen here; what they leave in the token's row is compared with that moment.
    """
    arrived = clock.now()
    number, since = _under_way.get(token_hash, (0, arrived))
    _under_way[token_hash] = number + 1, since
    try:
        yield max(since, arrived - LONGEST)
    finally:
        number, since = _under_way[token_hash]
        if number == 1:
            del _under_way[token_hash]
        else:
            _under_way[token_hash] = number - 1, since
