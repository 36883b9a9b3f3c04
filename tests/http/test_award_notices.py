"""From the proposal to the clawback, as everybody whom it concerns hears of it: at every step, each thing once."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from server.awards.models import Award, AwardState, Publication
from server.funds.ledger import FUND_QUEUE
from server.funds.models import Fund
from server.kernel import clock
from server.kernel.ids import new_id
from server.kernel.jobs.models import Job, JobState
from server.notices import fanout
from server.organisations.models import Organisation
from server.organisations.roles import Role
from server.statements.models import Statement, StatementRow
from tests.harness import listing
from tests.harness.awarding import PROGRAMME, make_college, make_confirmed, make_school
from tests.harness.callers import Caller, caller, member, staff
from tests.harness.funding import REWARD_FEN, make_budget, make_fund
from tests.harness.referring import NAME
from tests.harness.waiting import until
from tests.statements.filling import table, workbook
from tests.statements.paying_world import FAILED, NUMBER, OTHER_NUMBER, PAID, confirmed

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("database")]
YEAR, WHY = 2026, {"reason": "材料齐全"}
BY_THE_CLOCK = {"奖补资金快用完了", "奖补资金不够，有奖补在排队", "生源登记开始了", "生源登记快截止了"}
"""Titles of what is looked for every hour or on its day, whichever it is now."""
TOLD_BY = (fanout.URGENT, fanout.USUAL, FUND_QUEUE)


class Run:
    """Two schools, one with three awards that can be paid and one with a fourth, and everybody who hears of them."""

    people: Mapping[str, Caller]
    school: Organisation
    other: Organisation
    fund: Fund

    def __init__(self) -> None:
        self.expected: dict[str, list[str]] = {}
        self.texts: list[str] = []

    async def post(self, who: str, path: str, body: Any = None, status: int = 200) -> Any:
        key = str(new_id())
        got, found, _ = await self.people[who].ask("POST", path, WHY if body is None else body, Idempotency_Key=key)
        assert got == status, found
        return found

    async def awards(self, school: Organisation, **chosen: Any) -> list[Award]:
        return await Award.filter(payee=school, **chosen).order_by("id")

    async def hears(self, *who: str, title: str) -> None:
        """These and nobody else heard something, under this title."""
        await self.hear({title: who})

    async def hear(self, fresh: Mapping[str, tuple[str, ...]]) -> None:
        """Everybody has heard what they had before, and of what is fresh those that are named with it."""
        for title, named in fresh.items():
            for name in named:
                self.expected.setdefault(name, []).append(title)
        await until(_at_rest, 60)
        for name, one in self.people.items():
            _, found, _ = await one.ask("GET", "/notices?limit=100")
            titles = Counter(item["title"] for item in found["items"] if item["title"] not in BY_THE_CLOCK)
            assert titles == Counter(self.expected.get(name, [])), name
            self.texts += [item["text"] for item in found["items"]]


async def _at_rest() -> bool:
    return not await Job.filter(kind__in=TOLD_BY, state__in=[JobState.PENDING, JobState.RUNNING]).exists()


@pytest.fixture(scope="module")
async def run(client: aiohttp.ClientSession, database: object) -> AsyncIterator[Run]:
    assert database
    made, college = Run(), await make_college()
    made.school, made.other = [await make_school() for _ in range(2)]
    for school in (*[made.school] * 4, made.other):
        await make_confirmed(school, college, YEAR)
    made.fund = await make_fund(PROGRAMME, papers_of=YEAR)
    await make_budget(made.fund, 3 * REWARD_FEN)
    roles = {
        "reviewer": Role.REVIEWER, "reviewer 2": Role.REVIEWER, "approver": Role.APPROVER, "approver 2": Role.APPROVER,
        "finance": Role.FINANCE, "finance 2": Role.FINANCE, "editor": Role.EDITOR,
    }  # fmt: skip
    made.people = {
        "clerk": await member(client, made.school, Role.CLERK),
        "manager": await member(client, made.school, Role.MANAGER),
        "other manager": await member(client, made.other, Role.MANAGER),
        "objector": await caller(client),
        **{name: await staff(client, role) for name, role in roles.items()},
    }
    await confirmed(made.school, made.people["manager"].person_id, NUMBER)
    await confirmed(made.other, made.people["other manager"].person_id, OTHER_NUMBER)
    yield made
    assert not [text for text in made.texts if NAME in text or NUMBER in text]


OURS, BOTH = ("clerk", "manager"), ("clerk", "manager", "other manager")
STAFF = ("reviewer", "reviewer 2", "approver", "approver 2")


async def test_up_to_the_approval(run: Run) -> None:
    await run.post("finance", "/awards/propose", {"programme": PROGRAMME, "year": YEAR}, 201)
    await run.hears(*BOTH, title="奖补已按规则提出")
    await run.post("reviewer", "/awards/decisions", {"filter": {"year": YEAR}, "verdict": "review", **WHY}, 201)
    await run.hears(*BOTH, title="奖补已通过初审")
    [made] = (await run.post("reviewer", "/awards/publications", {"year": YEAR}, 201))["items"]
    await run.hears(*BOTH, title="奖补开始公示")
    objection = {"school": str(run.other.id), "reason": "名单与实际不符"}
    objected = await run.post("objector", f"/awards/publications/{made['id']}/objections", objection, 201)
    await run.hear({"公示的奖补有异议": ("other manager",), "公示收到异议": STAFF})
    decision = {"verdict": "reject", **WHY}
    await run.post("reviewer 2", f"/awards/objections/{objected['id']}/decision", decision)
    await run.hear({"对奖补的异议不成立": ("other manager",), "您的异议已有结果": ("objector",)})
    first, *_, last = await run.awards(run.school)
    await run.post("finance", f"/awards/{first.id}/hold")
    await run.hears(*OURS, title="奖补暂缓")
    await run.post("reviewer 2", f"/awards/{first.id}/release")
    await run.hears(*OURS, title="奖补恢复办理")
    await run.post("reviewer", f"/awards/{last.id}/refuse")
    await run.hears(*OURS, title="奖补没有通过")
    await Publication.all().update(ends_on=clock.today() - timedelta(days=1))
    approve = {"filter": {"year": YEAR}, "verdict": "approve", **WHY}
    await run.post("approver", "/awards/decisions", approve, 201)
    await run.hear({"奖补已批准": OURS, "奖补已批准，等待资金": ("other manager",)})


async def test_up_to_the_receipt(run: Run) -> None:
    made = await run.post("finance", "/statements", {"payee": str(run.school.id)}, 201)
    path = f"/statements/{made['id']}"
    await run.hear({})
    await run.post("finance", f"{path}/lock")
    await run.hears("approver", "approver 2", title="结算单等待批准")
    await run.post("approver", f"{path}/approve")
    await run.hears("finance", "finance 2", title="结算单可以送出了")
    await run.post("finance", f"{path}/send")
    await run.hears(*OURS, title="结算单已送付款单位")
    for said in ({1: PAID}, {1: PAID, 2: FAILED, 3: PAID}):
        _, file, _ = await run.people["finance"].ask("GET", f"{path}/file.xlsx")
        data = workbook(await table(file, said))
        status, found = await listing.send(run.people["finance"], f"{path}/results", data, str(new_id()))
        assert status == 200, found
        over = len(said) == await StatementRow.filter(statement_id=made["id"]).count()
        ours = "结算单已办完，有失败的" if over else "结算单已部分支付"
        await run.hear({ours: OURS, **({"结算单有支付失败的": ("finance 2",)} if over else {})})
    await run.post("finance", f"{path}/bank-return", {"row": 1, "reason": "账户已销户"})
    await run.hears(*OURS, title="银行退回了一笔奖补")
    await run.post("clerk", f"{path}/receipt", {"verdict": "disputed", "note": "只到账一笔"})
    await run.hears("finance", "finance 2", title="学校对到账有异议")
    await run.post("manager", f"{path}/receipt", {"verdict": "confirmed"})
    await run.hear({})
    assert (await Statement.get(id=made["id"])).receipt == "confirmed"


async def test_up_to_the_end_of_the_year(run: Run) -> None:
    [paid] = await run.awards(run.school, state=AwardState.PAID)
    path = f"/awards/{paid.id}/clawback"
    await run.post("reviewer", path, {"reason": "学生退学"}, 201)
    await run.hears("approver", "approver 2", title="追回等待批准")
    await run.post("approver 2", f"{path}/approve")
    await run.hears("finance", "finance 2", title="追回已批准，等待通知学校")
    await run.post("finance", f"{path}/demand")
    await run.hears(*OURS, title="请退回一笔奖补")
    await run.post("manager", f"{path}/contest", {"reason": "学生已经复学"})
    await run.hears("approver", "approver 2", title="学校对追回提出异议")
    await run.post("reviewer 2", f"{path}/decision", {"verdict": "stands", **WHY})
    await run.hears(*OURS, title="追回维持不变")
    await run.post("finance", f"{path}/recover", {"amount_fen": 10_000, **WHY})
    await run.hears(*OURS, title="退回的奖补已收到")
    budget = f"/funds/{run.fund.id}/budgets/{clock.today().year}"
    more = {"kind": "appropriate", "amount_fen": REWARD_FEN, "reason": "追加"}
    await run.post("finance", f"{budget}/entries", more, 201)
    await run.hears("other manager", title="排队的奖补有资金了")
    await run.post("finance", f"{budget}/close", {"carry_over_fen": 0, "reason": "年末结账"})
    await run.hears(*BOTH, title="奖补转下一年度排队")
