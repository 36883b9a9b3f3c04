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


def _plain(value: Any) -> Any:
    """Return a value as SQLite's rows hold it."""
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return str(value) if isinstance(value, UUID | date) else value
