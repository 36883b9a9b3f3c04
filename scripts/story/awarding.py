"""The chapters on awards: proposed, reviewed, looked at again, publicised, objected to, approved while money lasts."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import aiohttp

from scripts.story import payer
from scripts.story.referring import OTHER_REVIEWER, REVIEWER, Referring
from scripts.story.spending import PROGRAMME, REWARD_FEN, SECOND_MONEY, WAIT_FIRST
from scripts.story.stage import Stage, StoryError

FINANCE, APPROVER, OTHER_APPROVER = "demo-finance", "demo-approver", "demo-approver-2"
ADMIN, PUPIL, BUREAU = "demo-admin", "demo-student", "安庆市财政局（示例）"
_CREATED, _CONFLICT = 201, 409
_PATIENCE, _PAUSE = 30.0, 0.2


@dataclass
class Awarding:
    """The story so far: every award by its id, in the order of the ids, and what is to become of some of them."""

    stage: Stage
    told: Referring
    fund: str = ""
    awards: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: str = ""
    held: str = ""
    runs: dict[str, Any] = field(default_factory=dict)

    @property
    def year(self) -> int:
        """The entry year, in whose next one its money is paid."""
        return self.told.year

    @property
    def ids(self) -> list[str]:
        """All awards in the order of their ids, which is that in which they are decided."""
        return sorted(self.awards)

    def of(self, part: str) -> list[str]:
        """Return the awards of a school in that order."""
        school = self.told.schools[part]["id"]
        return [one for one in self.ids if self.awards[one]["payee"]["id"] == school]

    async def play(self) -> None:
        """Play from the proposal to the queue for money; raises StoryError where the server does not follow."""
        await self.stage.come_to(date(self.year + 1, 1, 12))
        await self._propose()
        drawn = await self._draw()
        await self._publish(drawn)
        await self.stage.come_to(date(self.year + 1, 1, 20))
        await self._without_papers()
        await self._papers()
        await self._approve()

    async def _propose(self) -> None:
        body = {"name": "生源输送奖补资金（示例）", "clause": "aq-2024-91/s2", "programmes": [PROGRAMME]}
        self.fund = (await self.stage.ask(FINANCE, "POST", "/funds", body, status=_CREATED))["id"]
        self.runs["proposed"] = await self._run(FINANCE, "/awards/propose", programme=PROGRAMME, year=self.year)
        found = await self.stage.all_of(FINANCE, f"/awards?programme={PROGRAMME}&year={self.year}")
        self.awards = {one["id"]: one for one in found}
        self.runs["reviewed"] = await self.decide(REVIEWER, "review", "与学籍比对一致")
        self.tell("awards", f"{len(found)} proposed and reviewed")

    async def _draw(self) -> list[str]:
        wanted = {"programme": PROGRAMME, "year": self.year}
        await self._refused(REVIEWER, "/awards/publications", wanted, "sample_missing")
        sample = await self.stage.ask(REVIEWER, "POST", "/awards/samples", wanted, status=_CREATED)
        drawn: list[str] = sample["members"][: sample["size"]]
        own = {"verdict": "pass", "reason": "自己复核自己"}
        await self._refused(REVIEWER, f"/awards/{drawn[0]}/second-check", own, "another_part", 403)
        await self.do(OTHER_REVIEWER, drawn[0], "second-check", verdict="fail", reason="缺学籍页")
        await self.do(REVIEWER, drawn[0], "release", reason="学籍页已补")
        for one in drawn:
            await self.do(OTHER_REVIEWER, one, "second-check", verdict="pass", reason="复核一致")
        self.tell("sample", f"{len(drawn)} looked at again, one twice")
        return drawn

    async def _publish(self, drawn: list[str]) -> None:
        wanted = {"programme": PROGRAMME, "year": self.year}
        await self.stage.ask(REVIEWER, "POST", "/awards/publications", wanted, status=_CREATED)
        (good, delayed, *_), (bad, self.held, *_) = (
            [one for one in self.of(part) if one not in drawn] for part in ("a", "b")
        )
        self.refused = bad
        for one, verdict in ((good, "reject"), (bad, "uphold")):
            path, said = f"/awards/{one}/objections", {"reason": "该生并非由这所学校推荐"}
            made = await self.stage.ask(PUPIL, "POST", path, said, status=_CREATED)
            judged = {"verdict": verdict, "reason": "已调阅志愿表"}
            path = f"/awards/objections/{made['id']}/decision"
            await self._refused(REVIEWER, path, judged, "another_part", 403)
            await self.stage.ask(OTHER_REVIEWER, "POST", path, judged)
        await self.do(FINANCE, delayed, "hold", reason="核对收款单位")
        await self.do(REVIEWER, delayed, "release", reason="核对无误")
        self.tell("publication", "two objections, one upheld; one award held and released")

    async def _without_papers(self) -> None:
        self.runs["unpapered"] = await self.decide(APPROVER, "approve", "同意")

    async def _papers(self) -> None:
        found = await self.stage.all_of(ADMIN, "/organisations?kind=authority")
        bureau = next(one["id"] for one in found if one["name"] == BUREAU)
        papers: tuple[dict[str, str], ...] = (
            {"kind": "legal_basis"}, {"kind": "payer", "payer": bureau}, {"kind": "recognition", "year": str(self.year)}
        )  # fmt: skip
        for said in papers:
            form = aiohttp.FormData(
                {"title": "奖补文件（示例）", "issuer": BUREAU, "issued_on": f"{self.year}-06-01", **said},
                default_to_multipart=True,
            )
            form.add_field("file", payer.picture(), filename="paper.png", content_type="image/png")
            await self.stage.ask(FINANCE, "PUT", f"/funds/{self.fund}/basis", form)

    async def _approve(self) -> None:
        await self.appropriate(self.year + 1, (len(self.awards) - 1 - WAIT_FIRST) * REWARD_FEN)
        self.runs["approved"] = await self.decide(APPROVER, "approve", "同意")
        await self.do(FINANCE, self.held, "hold", reason="学校来函核对")
        await self.appropriate(self.year + 1, SECOND_MONEY * REWARD_FEN)
        await self.until("awaiting_funds", WAIT_FIRST - SECOND_MONEY)
        self.tell("money", f"{WAIT_FIRST} awards waited, {SECOND_MONEY} of them got theirs")

    async def appropriate(self, year: int, fen: int) -> None:
        """Put money into a year's budget."""
        said = {"kind": "appropriate", "amount_fen": fen, "reason": "市财政安排"}
        await self.stage.ask(FINANCE, "POST", f"/funds/{self.fund}/budgets/{year}/entries", said, status=_CREATED)

    async def decide(self, who: str, verdict: str, reason: str) -> Any:
        """Decide all awards for which a verdict fits at once; return the run."""
        chosen = {"programme": PROGRAMME, "year": self.year}
        return await self._run(who, "/awards/decisions", filter=chosen, verdict=verdict, reason=reason)

    async def do(self, who: str, award: str, verb: str, **said: Any) -> Any:
        """Let somebody decide about one award."""
        return await self.stage.ask(who, "POST", f"/awards/{award}/{verb}", said)

    async def in_state(self, state: str) -> list[str]:
        """Return the awards in a state, in the order of their ids."""
        path = f"/awards?programme={PROGRAMME}&year={self.year}&state={state}"
        return sorted(one["id"] for one in await self.stage.all_of(FINANCE, path))

    async def until(self, state: str, number: int) -> None:
        """Wait until so many awards are in a state: money is given to those who wait by a job."""
        end, found = time.monotonic() + _PATIENCE, [""]
        while time.monotonic() < end:
            found = await self.in_state(state)
            if len(found) == number:
                return
            await asyncio.sleep(_PAUSE)
        raise StoryError(f"{len(found)} awards are {state} on {self.stage.day}, not {number}")

    def tell(self, who: str, what: str) -> None:
        """Say what happened."""
        print(f"{self.stage.day}  {who}: {what}", flush=True)

    async def _run(self, who: str, path: str, **said: Any) -> Any:
        run, end = await self.stage.ask(who, "POST", path, said), time.monotonic() + _PATIENCE
        while run["state"] != "done" and time.monotonic() < end:
            await asyncio.sleep(_PAUSE)
            run = await self.stage.ask(who, "GET", f"/awards/runs/{run['id']}")
        if run["state"] != "done":
            raise StoryError(f"a run is {run['state']} after {_PATIENCE:.0f} s: {run}")
        return run

    async def _refused(self, who: str, path: str, said: Any, code: str, status: int = _CONFLICT) -> None:
        told = await self.stage.ask(who, "POST", path, said, status=status)
        if told["code"] != code:
            raise StoryError(f"{who}: POST {path}: {told['code']}, not {code}")
