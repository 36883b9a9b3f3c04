"""How many statements something sends to the database, whichever it is."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tortoise.backends.asyncpg import client as postgres
from tortoise.backends.sqlite import client as sqlite

_CLIENTS = (
    sqlite.SqliteClient,
    sqlite.SqliteTransactionWrapper,
    postgres.AsyncpgDBClient,
    postgres.TransactionWrapper,
)
_METHODS = ("execute_query", "execute_query_dict", "execute_insert", "execute_many")


@contextmanager
def sent() -> Iterator[list[str]]:
    """Collect what is sent by this process meanwhile."""
    seen: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for client in _CLIENTS:
            for name in _METHODS:
                if name in vars(client):
                    patch.setattr(client, name, _noting(getattr(client, name), seen))
        yield seen


def _noting(original: Callable[..., Awaitable[Any]], seen: list[str]) -> Callable[..., Awaitable[Any]]:
    async def noting(self: object, query: str, *args: Any, **kwargs: Any) -> Any:
        seen.append(query)
        return await original(self, query, *args, **kwargs)

    return noting
