"""The chapters on paying: statements to the payer and back, what came back and was kept back, and the year's end."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import aiohttp

from scripts.story import payer
from scripts.story.awarding import APPROVER, FINANCE, OTHER_APPROVER, Awarding
from scripts.story.payer import FAILED, KEPT_BACK, PAID, Said
from scripts.story.referring import CLERKS, MANAGER, OTHER_REVIEWER, REVIEWER
from scripts.story.spending import (
    BANK_RETURNED,
    CARRIED_FEN,
    CLAWED_BACK,
    FAILING,
    FIRST_STATEMENT,
    IN_NEXT_YEAR,
    LAST_MONEY_FEN,
    RECOVERED_FEN,
)
from scripts.story.stage import Stage, StoryError
from server.kernel.money import yuan_text

MANAGERS = {"a": MANAGER, "b": "demo-manager-b"}
ACCOUNTS = {"a": "6217000012345678904", "b": "6217000087654321098"}
_CREATED, _INVALID = 201, 422
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass
class Paying:
    """The story so far: every statement by its name here, and how many fen the payer paid, came back, or recovered."""

    awarding: Awarding
    statements: dict[str, dict[str, Any]] = field(default_factory=dict)
    paid_fen: int = 0
    clawed_back: str = ""

    @property
    def stage(self) -> Stage:
        """Where it is played."""
        return self.awarding.stage

    async def play(self) -> None:
        """Play to the end of the next year; raises StoryError where the server does not follow."""
        year = self.awarding.year
        await self.stage.come_to(date(year + 1, 1, 25))
        await self._accounts()
        await self._first()
        await self._other_school()
        await self._claim_back()
        await self._rest()
        await self.stage.come_to(date(year + 2, 1, 5))
        await self._close()
        await self._again()

    async def _accounts(self) -> None:
        for part, who in MANAGERS.items():
            school = self.awarding.told.schools[part]
            path = f"/organisations/{school['id']}/payee-account"
            said = {"basis": "own_account", "holder": school["name"], "bank": "宜城农商银行（示例）"}
            await self.stage.ask(who, "PUT", path, {**said, "number": ACCOUNTS[part]})
            await self.stage.ask(FINANCE, "POST", f"{path}/confirm")

    async def _first(self) -> None:
        named = self.awarding.of("a")[:FIRST_STATEMENT]
        await self._send("a1", "a", awards=named)
        await self._altered("a1")
        await self._settle("a1", lambda row, _: FAILED if row in FAILING else PAID)
        await self._send("a2", "a", follows=self.statements["a1"]["id"])
        await self._settle("a2")
        await self._receipt("a1", "a", verdict="confirmed")
        self.awarding.tell("payer", f"a statement with {len(FAILING)} failures, and one that takes them up")

    async def _other_school(self) -> None:
        await self._send("b1", "b")
        half = self.statements["b1"]["count"] // 2
        await self._settle("b1", lambda row, _: PAID if row <= half else None)
        await self._settle("b1", lambda row, _: PAID if row > half else None)
        said = {"row": BANK_RETURNED, "reason": "账户冻结，退汇"}
        await self.stage.ask(FINANCE, "POST", f"/statements/{self.statements['b1']['id']}/bank-return", said)
        await self._receipt("b1", "b", verdict="disputed", note="少到账一笔")
        self.awarding.tell("bank", "one payment came back")

    async def _claim_back(self) -> None:
        rows = await self.stage.all_of(FINANCE, f"/statements/{self.statements['a1']['id']}/rows")
        self.clawed_back = next(row["award"] for row in rows if row["number"] == CLAWED_BACK)
        steps: tuple[tuple[str, str, dict[str, Any]], ...] = (
            (REVIEWER, "", {"reason": "学籍核查不符"}),
            (OTHER_APPROVER, "/approve", {"reason": "同意追回"}),
            (FINANCE, "/demand", {"reason": "发出追回通知"}),
            (MANAGER, "/contest", {"reason": "学生确在校"}),
            (OTHER_REVIEWER, "/decision", {"verdict": "stands", "reason": "学籍系统没有该生"}),
            (FINANCE, "/recover", {"amount_fen": RECOVERED_FEN, "reason": "学校先退回一部分"}),
        )
        for who, step, said in steps:
            await self.stage.ask(who, "POST", f"/awards/{self.clawed_back}/clawback{step}", said)

    async def _rest(self) -> None:
        await self._send("a3", "a")
        await self._settle("a3")
        await self.awarding.until("awaiting_funds", IN_NEXT_YEAR)
        self.awarding.tell("clawback", "some came back, the rest was kept back; another award got the money")

    async def _close(self) -> None:
        path = f"/funds/{self.awarding.fund}/budgets/{self.awarding.year + 1}/close"
        await self.stage.ask(FINANCE, "POST", path, {"carry_over_fen": CARRIED_FEN, "reason": "年终结账"})
        await self.awarding.until("awaiting_funds", IN_NEXT_YEAR)
        await self.awarding.appropriate(self.awarding.year + 2, LAST_MONEY_FEN)
        await self.awarding.until("awaiting_funds", 0)
        self.awarding.tell("year", "closed; what was carried over and what came new went round in order")

    async def _again(self) -> None:
        await self._send("b2", "b", follows=self.statements["b1"]["id"])
        await self._settle("b2")
        await self._receipt("b1", "b", verdict="confirmed")
        self.awarding.tell("payer", f"{yuan_text(self.paid_fen)} yuan paid on {len(self.statements)} statements")

    async def _send(self, name: str, part: str, **more: Any) -> None:
        """Open a statement, lock it, have it approved by as many as it needs, and send it."""
        body = {"payee": self.awarding.told.schools[part]["id"], **more}
        made = await self.stage.ask(FINANCE, "POST", "/statements", body, status=_CREATED)
        path = f"/statements/{made['id']}"
        locked = await self.stage.ask(FINANCE, "POST", f"{path}/lock")
        for who in (APPROVER, OTHER_APPROVER)[: locked["approvals_needed"]]:
            await self.stage.ask(who, "POST", f"{path}/approve", {"reason": "核对无误"})
        self.statements[name] = await self.stage.ask(FINANCE, "POST", f"{path}/send")

    async def _settle(self, name: str, said: Said | None = None) -> None:
        file, paid = payer.filled_in(await self._file(name), said or _all_paid)
        self.paid_fen += paid
        self.statements[name] = await self._hand_in(name, file)

    async def _altered(self, name: str) -> None:
        """See that nothing comes of a file in which somebody changed an amount."""
        file, _ = payer.filled_in(await self._file(name), _all_paid, {2: "5000.00"})
        told = await self._hand_in(name, file, _INVALID)
        if [one["pointer"].rpartition("/")[2] for one in told["errors"]] != ["amount"]:
            raise StoryError(f"a changed amount: {told}")

    async def _hand_in(self, name: str, file: bytes, status: int = 0) -> Any:
        form = aiohttp.FormData(default_to_multipart=True)
        form.add_field("file", file, filename="results.xlsx", content_type=_XLSX)
        return await self.stage.ask(
            FINANCE, "POST", f"/statements/{self.statements[name]['id']}/results", form, status=status
        )

    async def _file(self, name: str) -> bytes:
        told: bytes = await self.stage.ask(FINANCE, "GET", f"/statements/{self.statements[name]['id']}/file.xlsx")
        return told

    async def _receipt(self, name: str, part: str, **said: str) -> None:
        path = f"/statements/{self.statements[name]['id']}/receipt"
        self.statements[name] = await self.stage.ask(CLERKS[part], "POST", path, said)


def _all_paid(_row: int, fen: int) -> tuple[str, str]:
    return PAID if fen > 0 else KEPT_BACK
