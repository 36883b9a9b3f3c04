"""The WeChat stand-in in a process of its own, and its levers."""

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.harness.app import Server, free_port


@dataclass
class StandIn:
    """A running stand-in; `base` goes into `YZT_WECHAT_URL`."""

    server: Server
    api_base: str | None = None
    """Where its events go; the address it was started with where None."""

    @property
    def base(self) -> str:
        return self.server.base

    def code(self, openid: str, **unionid: str | None) -> str:
        """A sign-in code of someone, whose `unionid` may be given or None."""
        return str(self.do("codes", openid=openid, **unionid)["code"])

    def phone_code(self, phone: str, country_code: str = "86") -> str:
        return str(self.do("phone-codes", phone=phone, country_code=country_code)["code"])

    def allow(self, openid: str, template_id: str, times: int = 1) -> None:
        """Give push permissions; the callback hears of each."""
        self.do("permissions", openid=openid, template_id=template_id, results=["accept"] * times)

    def follower(self, openid: str, **more: Any) -> None:
        """Have someone follow the service account, or with `following=False` stop."""
        self.do("followers", openid=openid, **more)

    def fault(self, path: str, **what: Any) -> None:
        """Let calls go wrong: `errcode`, `status`, `delay_ms`, `drop`, `html`, `after`, and how many `times`."""
        self.do("faults", path=path, **what)

    def faults(self) -> list[dict[str, Any]]:
        """What is to go wrong still, and how many `times`."""
        return list(self.get("faults")["items"])

    def revoke(self) -> None:
        """Kill every access token that is out."""
        self.do("tokens/revoke")

    def clock(self, now: datetime | None) -> None:
        """Move its clock; None is real time. Servers of other processes keep theirs."""
        self.do("clock", now=now.isoformat() if now else None)

    def callback_mode(self, **mode: str) -> None:
        """`mode` is secure, plain or off; `format` is xml or json."""
        self.do("callback-mode", **mode)

    def calls(self, path: str = "") -> int:
        """How often `path` was called since the last reset, or everything."""
        totals = self.get("calls")["totals"]
        return int(totals.get(path, 0) if path else sum(totals.values()))

    def messages(self, openid: str = "") -> list[dict[str, Any]]:
        """The pushes that arrived, the oldest first."""
        found: list[dict[str, Any]] = self.get(f"messages?{urlencode({'openid': openid} if openid else {})}")["items"]
        return found

    def events(self) -> list[dict[str, Any]]:
        """What the callbacks were told, and with what success."""
        found: list[dict[str, Any]] = self.get("events")["items"]
        return found

    def reset(self) -> None:
        """Make it new; its events go where they went."""
        self.do("reset")
        if self.api_base:
            self.callback_mode(base=self.api_base)

    def point(self, api_base: str | None) -> None:
        """Send events to another API, and make everything else new."""
        self.api_base = api_base
        self.reset()

    def do(self, lever: str, **body: Any) -> dict[str, Any]:
        """Pull a lever by its path below `/control/`; raises AssertionError with its words where it refuses."""
        return self._asked(lever, json.dumps(body).encode())

    def get(self, lever: str) -> dict[str, Any]:
        return self._asked(lever, None)

    def _asked(self, lever: str, body: bytes | None) -> dict[str, Any]:
        request = urllib.request.Request(f"{self.base}/control/{lever}", body)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error
        return found


@contextlib.contextmanager
def running(log: Path, api_port: int | None = None, **environment: str) -> Iterator[StandIn]:
    """A stand-in whose events go to `api_port` of the loopback."""
    port = free_port()
    environment |= {"YZT_STANDIN_PORT": str(port), "YZT_PORT": str(api_port or free_port())}
    server = Server(log, environment, "server", ("standin",), port)
    server.start()
    try:
        server.wait_until_live(path="/control/calls")
        yield StandIn(server)
    finally:
        if server.process and server.process.poll() is None:
            server.stop()
