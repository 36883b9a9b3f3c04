"""What the parts of an export have in common."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict
from tortoise.models import Model


class Part(BaseModel):
    """A part of an export."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def of(cls, row: Model, **otherwise: Any) -> Self:
        """Return what a row holds under the names of the fields; `otherwise` gives those that it holds differently."""
        names = cls.model_fields.keys() - otherwise.keys()
        return cls(**{name: getattr(row, name) for name in names}, **otherwise)
