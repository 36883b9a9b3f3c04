"""The chapters on referrals: who is claimed by whom, who enrols where, and what is decided, appealed and undone."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import aiohttp

from scripts.story.plan import Plan, Pupil
from scripts.story.stage import Stage, StoryError

CLERKS = {"a": "demo-clerk-a", "b": "demo-clerk-b", "secondary": "demo-registrar", "college": "demo-registrar-college"}
MANAGER, REVIEWER, OTHER_REVIEWER = "demo-manager-a", "demo-reviewer", "demo-reviewer-2"
_HEARD = ("first upheld", "second upheld", "appealed", "undone", "still open")
_FOR_SECOND = ("second upheld", "appealed", "undone", "still open")
_PATIENCE, _PAUSE, _CONFLICT, _CREATED = 30.0, 0.2, 409, 201


@dataclass
class Referring:
    """The story so far: the claims and enrolments of every student, by school."""

    stage: Stage
    plan: Plan
    year: int
    schools: dict[str, dict[str, Any]] = field(default_factory=dict)
    claims: dict[tuple[Pupil, str], str] = field(default_factory=dict)
    seats: dict[tuple[Pupil, str], str] = field(default_factory=dict)

    async def play(self) -> None:
        """Play a whole year, from the first list to the last; raises StoryError where the server does not follow."""
        for part, who in CLERKS.items():
            self.schools[part] = await self.stage.school_of(who)
        await self._autumn()
        await self._disputes()
        await self._comings_and_goings()
        await self._census()
        await self._winter()

    async def _autumn(self) -> None:
        await self._come_to(9, 2)
        await self._enlist("secondary", "early")
        await self._come_to(9, 5)
        await self._claim("a")
        await self._claim("b")

    async def _disputes(self) -> None:
        await self._come_to(9, 12)
        await self._hear("a", *_HEARD, "one unheard")
        await self._hear("b", *_HEARD)
        await self._too_early(self.plan.labelled("one unheard")[0])
        await self._decide("a", "uphold", "first upheld")
        await self._decide("b", "uphold", *_FOR_SECOND)
        await self._come_to(9, 20)
        await self._decide("a", "uphold", "one unheard")
        await self._each("b", "withdraw", {"reason": "经核对不是本校学生"}, "given up")
        await self._decide("a", "uphold", "given up")
        await self._come_to(9, 25)
        await self._appeal()
        undone = {"reason": "复核发现证据不足"}
        await self._each("a", "decision/undo", undone, "undone", "still open", by=OTHER_REVIEWER)
        await self._hear("a", "undone")
        await self._hear("b", "undone")
        await self._decide("a", "uphold", "undone")
        self._tell("disputes", f"decided {len(self.plan.labelled(*_HEARD))}, some appealed, undone or given up")

    async def _comings_and_goings(self) -> None:
        await self._come_to(10, 20)
        for pupil in self.plan.labelled("with a wrong number"):
            right = {"id_number": pupil.number, "reason": "身份证号录错"}
            await self._do(pupil, pupil.senders[0], "correct", right)
        for pupil in self.plan.labelled("taken back"):
            await self._do(pupil, pupil.senders[0], "withdraw", {"reason": "学生改报市外学校"})
        for pupil in self.plan.labelled("left before the census"):
            await self._move(pupil, "secondary", "withdraw", {"reason": "退学"})
        for pupil in self.plan.labelled("paused over the census"):
            await self._move(pupil, "secondary", "suspend", {"reason": "因病休学"})
        for pupil in self.plan.labelled("transferred"):
            sent = {"to": self.schools["college"]["id"], "reason": "转学"}
            left = await self._move(pupil, "secondary", "transfer", sent)
            self.seats[pupil, "college"] = left["successor"]["id"]
            await self._move(pupil, "college", "register", {"record_document": "皖教学籍〔秋〕7号"})
        self._tell("schools", "some left, were transferred, paused, put right or taken back")

    async def _census(self) -> None:
        await self._come_to(11, 21)
        confirmed = sum(
            pupil.claims.get(sender) == "confirmed" or pupil.label == "left, as came out later"
            for pupil, sender in self.claims
            if pupil.fate.listed == "early"
        )
        await self._until("confirmed", confirmed)
        await self._come_to(11, 25)
        await self._enlist("college", "late")
        for pupil in self.plan.labelled("under another name"):
            claim = self.claims[pupil, pupil.senders[0]]
            same = {"referral": claim, "verdict": "same", "reason": "曾用名，户口簿为证"}
            await self._move(pupil, "college", "match-decision", same, by=REVIEWER)

    async def _winter(self) -> None:
        await self._come_to(12, 5)
        for pupil in self.plan.labelled("left, as came out later"):
            await self._move(pupil, "secondary", "withdraw", {"on": f"{self.year}-11-01", "reason": "十一月已离校"})
        await self._come_to(1, 5, after=1)
        gone = ("left before the census", "left, as came out later", "never came", "came to light at last")
        await self._until("lapsed", len(self.plan.labelled(*gone)))
        await self._come_to(1, 10, after=1)
        await self._enlist("college", "last")

    async def _come_to(self, month: int, day: int, after: int = 0) -> None:
        await self.stage.come_to(date(self.year + after, month, day))

    async def _claim(self, sender: str) -> None:
        pupils = self.plan.sent_by(sender)
        rows = [
            {
                "学生姓名": pupil.name,
                "身份证号": pupil.wrong_number if pupil.label == "with a wrong number" else pupil.number,
                "输送学校": self.schools[pupil.fate.named]["name"],
                "层次": "中职",
            }
            for pupil in pupils
        ]
        ids = await self._send(sender, "referrals", rows)
        self.claims |= {(pupil, sender): one for pupil, one in zip(pupils, ids, strict=True)}

    async def _enlist(self, receiver: str, when: str) -> None:
        pupils = self.plan.listed(when)
        rows = [
            {
                "学生姓名": pupil.other_name if pupil.label == "under another name" else pupil.name,
                "身份证号": pupil.number,
                "层次": "中职",
                "入学日期": f"{self.year}-09-01",
                "学籍号": "" if pupil.label == "on the list without a record" else f"G{pupil.number}",
            }
            for pupil in pupils
        ]
        ids = await self._send(receiver, "enrolments", rows)
        self.seats |= {(pupil, receiver): one for pupil, one in zip(pupils, ids, strict=True)}

    async def _send(self, part: str, kind: str, rows: Sequence[dict[str, str]]) -> list[str]:
        began, who = time.monotonic(), CLERKS[part]
        sent = await self.stage.send_list(who, kind, rows, year=self.year, intake="autumn")
        took, counts = time.monotonic() - began, sent["counts"]
        told = ", ".join(f"{number} {outcome}" for outcome, number in counts.items() if number)
        self._tell(self.schools[part]["name"], f"{len(rows)} {kind} from a list: {told}; {took:.1f} s")
        return await self.stage.subjects(who, kind, sent)

    async def _hear(self, sender: str, *labels: str) -> None:
        for pupil in self.plan.labelled(*labels):
            form = aiohttp.FormData({"note": "附升学志愿表"}, default_to_multipart=True)
            path = f"/referrals/{self.claims[pupil, sender]}/evidence"
            await self.stage.ask(CLERKS[sender], "POST", path, form, status=_CREATED)

    async def _too_early(self, pupil: Pupil) -> None:
        path = f"/referrals/{self.claims[pupil, 'a']}/decision"
        said = {"verdict": "uphold", "reason": "志愿表为证"}
        told = await self.stage.ask(REVIEWER, "POST", path, said, status=_CONFLICT)
        if told["code"] != "evidence_still_open":
            raise StoryError(f"a school that was not heard: {told}")

    async def _decide(self, sender: str, verdict: str, *labels: str) -> None:
        await self._each(sender, "decision", {"verdict": verdict, "reason": "志愿表为证"}, *labels, by=REVIEWER)

    async def _appeal(self) -> None:
        for pupil in self.plan.labelled("appealed"):
            said = {"subject": f"referral:{self.claims[pupil, 'a']}", "reason": "家长签字在先"}
            made = await self.stage.ask(MANAGER, "POST", "/appeals", said, status=_CREATED)
            judged = {"verdict": "overturn", "reason": "签字时间在先"}
            await self.stage.ask(OTHER_REVIEWER, "POST", f"/appeals/{made['id']}/decision", judged)

    async def _each(self, sender: str, verb: str, body: Any, *labels: str, by: str = "") -> None:
        for pupil in self.plan.labelled(*labels):
            await self._do(pupil, sender, verb, body, by=by)

    async def _do(self, pupil: Pupil, sender: str, verb: str, body: Any, by: str = "") -> None:
        path = f"/referrals/{self.claims[pupil, sender]}/{verb}"
        await self.stage.ask(by or CLERKS[sender], "POST", path, body)

    async def _move(self, pupil: Pupil, receiver: str, verb: str, body: Any, by: str = "") -> Any:
        path = f"/enrolments/{self.seats[pupil, receiver]}/{verb}"
        return await self.stage.ask(by or CLERKS[receiver], "POST", path, body)

    async def _until(self, state: str, number: int) -> None:
        """Wait until the nightly job has put as many claims into a state as it must."""
        end, counted = time.monotonic() + _PATIENCE, -1
        while time.monotonic() < end:
            groups = await self.stage.ask(REVIEWER, "GET", f"/referrals/summary?year={self.year}&by=state")
            counted = _counted(groups["items"], state)
            if counted == number:
                self._tell("calendar", f"{number} claims are {state}")
                return
            await asyncio.sleep(_PAUSE)
        raise StoryError(f"{counted} claims are {state} on {self.stage.day}, not {number}")

    def _tell(self, who: str, what: str) -> None:
        print(f"{self.stage.day}  {who}: {what}", flush=True)


def _counted(groups: Iterable[dict[str, Any]], state: str) -> int:
    return next((int(group["total"]) for group in groups if group["key"] == state), 0)
