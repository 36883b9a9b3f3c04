"""SQL with the values of its placeholders, as either database spells them."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID


@dataclass(slots=True)
class Statement:
    """SQL in the making."""

    dialect: str
    sql: str = ""
    values: list[Any] = field(default_factory=list)

    def put(self, value: Any) -> str:
        """Return the placeholder of a value."""
        self.values.append(value if self.dialect == "postgres" else _plain(value))
        return f"{'$' if self.dialect == 'postgres' else '?'}{len(self.values)}"

    def day(self, value: date) -> str:
        """Return a date of ours as it stands: PostgreSQL then knows how much is past it, and keeps the plan of a page.

        With a placeholder it thinks so little of the kept one that it plans each page behind a cursor anew, which takes
        longer than the page. Never for what a client says.
        """
        return f"'{value}'"


def _plain(value: Any) -> Any:
    """Return a value as SQLite's rows hold it."""
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return str(value) if isinstance(value, UUID | date) else value
