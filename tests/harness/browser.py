"""A headless Chromium, driven over its own protocol (CDP): what a page is on a phone, and on paper."""

import asyncio
import base64
import contextlib
import re
import shutil
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0",
)  # fmt: skip
SECONDS_TO_START = 20
LONGEST_MESSAGE = 64 * 1024 * 1024


def found() -> str | None:
    """The Chromium of this machine, if it has one."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@dataclass
class Tab:
    """One tab. `requests` are the addresses asked for since the last `goto`."""

    socket: aiohttp.ClientWebSocketResponse
    requests: list[str] = field(default_factory=list)
    _count: int = 0

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call the browser and return its result."""
        self._count += 1
        await self.socket.send_json({"id": self._count, "method": method, "params": params})
        message = await self._until(lambda message: message.get("id") == self._count)
        assert "error" not in message, message
        result: dict[str, Any] = message["result"]
        return result

    async def phone(self, width: int, height: int = 844) -> None:
        """Make the window that of a phone."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": True}
        await self.call("Emulation.setDeviceMetricsOverride", **metrics)

    async def goto(self, address: str) -> None:
        """Open a page and wait until it and all it asks for have come."""
        self.requests.clear()
        await self.call("Page.navigate", url=address)
        await self._until(lambda message: message.get("method") == "Page.loadEventFired")

    async def value(self, expression: str) -> Any:
        """Return what a JavaScript expression is on the page."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def sheets(self) -> list[tuple[int, int]]:
        """Print the page as its own style sheet asks; return each sheet's width and height in millimetres."""
        answer = await self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        pdf = base64.b64decode(answer["data"])
        boxes = re.findall(rb"/Type */Page\b.*?/MediaBox *\[0 0 ([\d.]+) ([\d.]+)\]", pdf, re.DOTALL)
        return [(_millimetres(width), _millimetres(height)) for width, height in boxes]

    async def _until(self, wanted: Any) -> dict[str, Any]:
        async with asyncio.timeout(30):
            while True:
                message: dict[str, Any] = await self.socket.receive_json()
                if message.get("method") == "Network.requestWillBeSent":
                    self.requests.append(message["params"]["request"]["url"])
                if wanted(message):
                    return message


@contextlib.asynccontextmanager
async def tab(profile: Path) -> AsyncIterator[Tab]:
    """A tab of a fresh Chromium whose profile lies in `profile`."""
    program = found()
    assert program
    command = [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    with (profile.parent / "chromium.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    try:
        port = await _port(profile / "DevToolsActivePort", process)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            async with session.get("/json/list") as answer:
                [page] = [target for target in await answer.json() if target["type"] == "page"]
            async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=LONGEST_MESSAGE) as socket:
                one = Tab(socket)
                for domain in ("Page", "Network", "Runtime"):
                    await one.call(f"{domain}.enable")
                yield one
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 10)


def _millimetres(points: bytes) -> int:
    return round(float(points) / 72 * 25.4)


async def _port(file: Path, process: Process) -> int:
    """Return the port that the browser chose, once it says so."""
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end:
        assert process.returncode is None
        if file.exists() and (lines := file.read_text().splitlines()):
            return int(lines[0])
        await asyncio.sleep(0.05)
    raise TimeoutError("Chromium did not start")
