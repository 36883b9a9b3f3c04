"""What the parts of an export have in common."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of an export."""

    model_config = ConfigDict(frozen=True)
