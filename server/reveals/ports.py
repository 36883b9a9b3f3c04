"""What reveals need from outside."""

from typing import Protocol


class Limits(Protocol):
    """How often something may be done."""

    async def take(self, what: str, who: str, most: int, seconds: int) -> None:
        """Count one try of `what` by `who`; raises DomainError 429 past `most` in a window of `seconds`."""
