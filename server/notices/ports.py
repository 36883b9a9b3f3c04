"""What notices need from outside."""

from collections.abc import Mapping
from typing import Protocol


class Outcome(Protocol):
    """What became of one push."""

    @property
    def state(self) -> str:
        """`sent`, `refused`, `away` (not taken; once more makes no duplicate) or `unknown` (perhaps taken)."""

    @property
    def message_id(self) -> str | None:
        """WeChat's name for what was sent."""

    @property
    def refusal(self) -> str | None:
        """Why it was refused, in a word; see `server.notices.endings`."""


class MiniProgram(Protocol):
    """The mini-program's pushes."""

    async def push(self, openid: str, template_id: str, page: str, data: Mapping[str, str]) -> Outcome:
        """Send a subscription message."""


class ServiceAccount(Protocol):
    """The service account's pushes."""

    async def push(
        self,
        openid: str,
        template_id: str,
        data: Mapping[str, str],
        *,
        mini_program: tuple[str, str] | None = None,
        client_msg_id: str | None = None,
    ) -> Outcome:
        """Send a template message; `mini_program` is the appid and page it opens, `client_msg_id` drops repetitions."""
