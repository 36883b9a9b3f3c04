"""Tortoise's SQLite engine with `BEGIN IMMEDIATE`.

A deferred transaction that reads and then writes fails at once with "database is locked" when another process
wrote in between, whatever the busy time-out; an immediate one waits its turn at the start.
"""

import sqlite3

from tortoise.backends.base.client import TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import (
    SqliteClient,
    SqliteTransactionContext,
    SqliteTransactionWrapper,
)
from tortoise.connection import get_connections
from tortoise.exceptions import DBConnectionError


class _Immediate(SqliteTransactionWrapper):
    async def begin(self) -> None:
        try:
            await self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise DBConnectionError(error) from error


class _ImmediateContext(SqliteTransactionContext):
    async def __aenter__(self) -> TransactionalDBClient:
        """Give the connection's lock back where the transaction cannot begin; Tortoise keeps it for ever."""
        await self._trxlock.acquire()
        try:
            await self.ensure_connection()
            await self.connection.begin()
        except BaseException:
            self._trxlock.release()
            raise
        self.token = get_connections().set(self.connection_name, self.connection)
        connection: TransactionalDBClient = self.connection
        return connection


class ImmediateSqliteClient(SqliteClient):
    """The client Tortoise finds under `client_class`."""

    def _in_transaction(self) -> TransactionContext:
        return _ImmediateContext(_Immediate(self), self._lock)


client_class = ImmediateSqliteClient
