"""Posts events to callbacks. A module of its own: its libraries take 15 MB, and many a run never sees an event."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from server.secrets import WeChatAccount
from server.standin.templates import Side
from server.standin.wire import Sealer

_OK = 200


class Post:
    """One pool of connections to the API, and the seals of both accounts."""

    def __init__(self, accounts: Mapping[Side, WeChatAccount], seconds: float) -> None:
        """Make the pool, within a running loop; an answer may take so many `seconds`."""
        self._sealers = {side: Sealer.of(account) for side, account in accounts.items()}
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds))

    async def deliver(
        self, url: str, side: Side, fields: Mapping[str, Any], form: str, *, secure: bool
    ) -> tuple[int | None, bool]:
        """Post one event, sealed anew; return the HTTP status, if any came, and whether it was taken."""
        posting = self._sealers[side].seal(fields, form, secure=secure)
        headers = {"Content-Type": posting.content_type}
        status = None
        try:
            async with self._session.post(url, params=posting.query, data=posting.body, headers=headers) as answer:
                status = answer.status
                return status, status == _OK and await answer.text() == "success"
        except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError):
            return status, False

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()
