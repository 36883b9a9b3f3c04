"""The server that the story is played at, its clock, and the people who call it."""

import asyncio
import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from server.kernel.clock import SHANGHAI
from server.settings import ROOT

_PATIENCE, _PAUSE, _PAGE = 60.0, 0.1, 100
_OK, _ERRORS = 200, 400
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_LAST_SWEEP = 'yizhitong_schedule_last_run_timestamp_seconds{schedule="sweep_files"}'
_IDENTITY = "身份证号"


class StoryError(Exception):
    """The server did otherwise than the story goes on from."""


@dataclass
class Stage:
    """The server and whoever is signed in at it; `day` is the day that the server takes for today."""

    client: aiohttp.ClientSession
    base: str
    standin: str
    day: date = field(default_factory=date.today)
    tokens: dict[str, str] = field(default_factory=dict)
    people: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def come_to(self, day: date) -> None:
        """Make it eight in the morning of a day; everybody signs in anew."""
        moment = datetime(day.year, day.month, day.day, 8, tzinfo=SHANGHAI).astimezone(UTC)
        await self._pull("clock", now=moment.isoformat())
        self.day = day
        self.tokens.clear()

    async def at_rest(self) -> None:
        """Wait until what the server does every night is done for the day.

        It takes a list that came while the clock jumped ahead for one that was left lying for months, and removes it.
        """
        midnight = datetime(self.day.year, self.day.month, self.day.day, tzinfo=SHANGHAI).timestamp()
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            async with self.client.get(f"{self.base}/metrics") as answer:
                ran = [line.split() for line in (await answer.text()).splitlines() if line.startswith(_LAST_SWEEP)]
            if ran and float(ran[0][1]) >= midnight:
                return
            await asyncio.sleep(_PAUSE)
        raise StoryError(f"the night before {self.day} does not end")

    async def ask(  # noqa: PLR0913 -- all but the first three may be left out
        self, who: str, method: str, path: str, body: Any = None, *, status: int = 0, refused: bool = False
    ) -> Any:
        """Let somebody call `/api/v1` + `path` and return what comes, JSON or bytes.

        `body` is JSON, or a form; each call has a key of its own. Raises StoryError for another status than the one
        named, by default any 4xx or 5xx, or anything else where it is to be refused.
        """
        sent: dict[str, Any] = {"data": body} if isinstance(body, aiohttp.FormData) else {"json": body}
        headers = {"Authorization": f"Bearer {await self._token(who)}", "Idempotency-Key": uuid4().hex}
        url = f"{self.base}/api/v1{path}"
        async with self.client.request(method, url, headers=headers, **(sent if body else {})) as answer:
            raw = await answer.read()
            if answer.status != status if status else (answer.status >= _ERRORS) is not refused:
                raise StoryError(f"{who}: {method} {path}: {answer.status} {raw.decode(errors='replace')[:500]}")
            return json.loads(raw) if "json" in answer.content_type else raw

    async def all_of(self, who: str, path: str) -> list[Any]:
        """Return every item of a list."""
        items: list[Any] = []
        cursor, sign = "", "&" if "?" in path else "?"
        while True:
            told = await self.ask(who, "GET", f"{path}{sign}limit={_PAGE}{cursor}")
            items += told["items"]
            if not told["next_cursor"]:
                return items
            cursor = f"&cursor={told['next_cursor']}"

    async def send_list(self, who: str, kind: str, rows: Sequence[Mapping[str, str]], **terms: Any) -> Any:
        """Fill in the template for `referrals` or `enrolments`, send it, and return the import once it is done."""
        await self.at_rest()
        template = await self.ask(who, "GET", f"/{kind}/template.xlsx")
        form = aiohttp.FormData({name: str(value) for name, value in terms.items()})
        form.add_field("file", _filled_in(template, rows), filename="list.xlsx", content_type=_XLSX)
        sent = await self.ask(who, "POST", f"/{kind}/imports", form)
        end = time.monotonic() + _PATIENCE
        while sent["state"] not in {"done", "failed"} and time.monotonic() < end:
            await asyncio.sleep(_PAUSE)
            sent = await self.ask(who, "GET", f"/{kind}/imports/{sent['id']}")
        if sent["state"] != "done":
            raise StoryError(f"an import is {sent['state']} after {_PATIENCE:.0f} s: {sent['failure']}")
        return sent

    async def subjects(self, who: str, kind: str, sent: Mapping[str, Any]) -> list[str]:
        """Return the referral or enrolment of each row of a list that was sent, in their order."""
        rows = await self.all_of(who, f"/{kind}/imports/{sent['id']}/rows")
        if missing := [row for row in rows if not row["subject"]]:
            raise StoryError(f"{len(missing)} rows came to nothing, the first: {missing[0]}")
        return [row["subject"].partition(":")[2] for row in rows]

    async def _token(self, who: str) -> str:
        if who not in self.tokens:
            code = (await self._pull("codes", openid=who))["code"]
            async with self.client.post(f"{self.base}/api/v1/sessions", json={"code": code}) as answer:
                found = await answer.json()
            self.tokens[who], self.people[who] = found["access_token"], found["person"]
        return self.tokens[who]

    async def school_of(self, who: str) -> dict[str, Any]:
        """Return the organisation that somebody acts for."""
        await self._token(who)
        organisation: dict[str, Any] = self.people[who]["memberships"][0]["organisation"]
        return organisation

    async def _pull(self, lever: str, **order: Any) -> Any:
        async with self.client.post(f"{self.standin}/control/{lever}", json=order) as answer:
            return await answer.json()


@asynccontextmanager
async def opened(folder: Path, database: str = "") -> AsyncIterator[Stage]:
    """Give a stage with the demo people, at a server of its own whose data is in `folder`.

    `database` is the URL of an empty one, by default a file in `folder`. Settings of the environment play no part: the
    story is never told to a database that somebody uses. Raises StoryError, with what the server had to say, for
    whatever stops it.
    """
    port, standin = _free_port(), _free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YZT_")}
    environment |= {
        "YZT_DATA_DIR": str(folder),
        "YZT_DATABASE_URL": database,
        "YZT_PORT": str(port),
        "YZT_STANDIN_PORT": str(standin),
        "YZT_LOG_LEVEL": "WARNING",
    }
    await asyncio.to_thread(_prepare, environment)
    with _served(folder, environment):
        timeout = aiohttp.ClientTimeout(_PATIENCE)
        async with aiohttp.ClientSession(timeout=timeout) as client:
            stage = Stage(client, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{standin}")
            try:
                await _until_live(stage)
                yield stage
            except StoryError as error:
                raise StoryError(f"{error}\n{(folder / 'log').read_text()}") from error


def _prepare(environment: Mapping[str, str]) -> None:
    for command in (["server", "migrate"], ["scripts.demo_people"]):
        subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=environment, check=True, capture_output=True)


@contextmanager
def _served(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "server"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(_PATIENCE)


async def _until_live(stage: Stage) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        try:
            async with stage.client.get(f"{stage.base}/health/live") as answer:
                if answer.status == _OK:
                    return
        except aiohttp.ClientError:
            await asyncio.sleep(_PAUSE)
    raise StoryError("the server did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _filled_in(template: bytes, rows: Sequence[Mapping[str, str]]) -> bytes:
    """Return a spreadsheet under the headings of a template; rows say what stands in which column."""
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(template)).get_sheet_by_index(0)
    lines = [[str(cell).rstrip("* ") for cell in row] for row in sheet.to_python()]
    headings = next(row for row in lines if _IDENTITY in row)
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True}) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, headings)
        for number, row in enumerate(rows, start=1):
            for column, heading in enumerate(headings):
                page.write_string(number, column, row.get(heading, ""))
    return file.getvalue()
