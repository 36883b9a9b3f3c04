"""What postings need from outside."""

from typing import Protocol


class Verdict(Protocol):
    """What WeChat says of a text."""

    @property
    def suggestion(self) -> str:
        """One of `pass`, `review`, `risky` and `unchecked`."""


class Texts(Protocol):
    """WeChat, which reads what is written on phones."""

    async def check_text(self, openid: str, text: str, scene: int, *, title: str | None = None) -> Verdict:
        """Return the verdict on 1 to 2,500 characters; raises DomainError where WeChat gives none."""
