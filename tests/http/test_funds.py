"""Funds as finance and others of the secretariat meet them: papers, money, where it is, and the end of a year."""

import asyncio
import csv
import io
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from miniprogram_api import openapi
from miniprogram_api.web import declaration_of
from server.app import App
from server.awards.models import Award, AwardState
from server.funds.models import Budget, EntryKind, Fund, FundPaper, LedgerEntry, PaperKind
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.ids import new_id
from server.organisations.models import OrganisationState
from server.organisations.roles import Kind, Role
from tests.factories import make_organisation
from tests.gateways.pictures import quarters, saved
from tests.harness.app import Server
from tests.harness.callers import Caller, member, staff
from tests.harness.funding import REWARD_FEN, make_award, make_fund, move, reserve

pytestmark = pytest.mark.usefixtures("database")
SCAN = saved(quarters(size=(300, 200)), "PNG")
MONEY = {"kind": "appropriate", "amount_fen": 500_000_000, "reason": "市财政年度安排"}
BASIS = {"kind": "legal_basis"}
YEAR = clock.today().year


@pytest.fixture(scope="module")
async def finance(client: aiohttp.ClientSession) -> Caller:
    return await staff(client, Role.FINANCE)


async def post(who: Caller, path: str, body: Any, key: str | None = None) -> tuple[int, Any]:
    status, found, _ = await who.ask("POST", path, body, Idempotency_Key=key or str(new_id()))
    return status, found


async def put(who: Caller, fund_id: UUID, said: dict[str, str], data: bytes | None = SCAN) -> tuple[int, Any]:
    fields = {"title": "关于兑现奖补的通知", "issuer": "安庆市人民政府", "issued_on": "2024-06-01", **said}
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        form.add_field(name, value)
    if data is not None:
        form.add_field("file", data, filename="scan.png", content_type="image/png")
    headers = {"Authorization": f"Bearer {who.token}"}
    async with who.client.put(f"/api/v1/funds/{fund_id}/basis", data=form, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def filled(finance: Caller, fen: int = 500_000_000) -> tuple[Fund, str]:
    """A fund with money of this year, and its budget's address."""
    fund = await make_fund()
    path = f"/funds/{fund.id}/budgets/{YEAR}"
    assert (await post(finance, f"{path}/entries", MONEY | {"amount_fen": fen}))[0] == 201
    return fund, path


def test_whatever_moves_money_asks_for_a_key(product: App) -> None:
    moving = ("api/v1/awards", "api/v1/funds", "api/v1/statements")
    routes = [one for one in product.router.routes if one.path.startswith(moving) and "POST" in one.methods]
    stated = [(one.path, declaration_of(one.handler)) for one in routes]
    assert len(stated) >= 3
    assert [path for path, declaration in stated if not (declaration and declaration.key_required)] == []
    parameters = openapi.document(product)["paths"]["/api/v1/funds"]["post"]["parameters"]
    assert [(one["name"], one["required"]) for one in parameters] == [("Idempotency-Key", True)]


async def test_a_fund_is_for_what_may_be_paid_and_each_programme_has_one(finance: Caller) -> None:
    body = {"name": "集团奖补资金", "clause": "aq-2024-91/s2", "programmes": ["feeder-referral", "cross-city"]}
    status, problem, _ = await finance.ask("POST", "/funds", body)
    assert (status, problem["errors"][0]["pointer"]) == (422, "Idempotency-Key")
    nameless = (await post(finance, "/funds", body | {"name": ""}))[1]["errors"]
    assert [fault["detail"].partition("：")[0] for fault in nameless] == ["资金渠道名称"]
    status, found = await post(
        finance, "/funds", body | {"clause": "aq-2024-91/99", "programmes": ["agency-recruitment", "cz-skill", "x"]}
    )
    assert status == 422
    pointers = ["/clause", "/programmes/0", "/programmes/1", "/programmes/2"]
    assert [fault["pointer"] for fault in found["errors"]] == pointers
    status, made = await post(finance, "/funds", body, "one")
    assert (status, made["programmes"]) == (201, ["cross-city", "feeder-referral"])
    assert await post(finance, "/funds", body, "one") == (201, made)
    rival = {**body, "name": "另一项资金", "programmes": ["cross-city"]}
    status, found = await post(finance, "/funds", rival)
    assert (status, found["code"], body["name"] in found["detail"]) == (409, "programme_funded", True)
    other = {**body, "programmes": ["consortium"]}
    assert (await post(finance, "/funds", other))[1]["code"] == "fund_named"
    answers = await asyncio.gather(*(post(finance, "/funds", other | {"name": f"资金{one}"}) for one in range(6)))
    assert Counter(status for status, _ in answers) == {201: 1, 409: 5}
    assert made in (await finance.ask("GET", "/funds"))[1]["items"]


async def test_a_fund_is_corrected_and_no_programme_leaves_it_that_it_pays(
    client: aiohttp.ClientSession, finance: Caller
) -> None:
    await Fund.all().update(programmes=[])  # those of other tests
    fund, other = await make_fund("feeder-referral", "cross-city"), await make_fund("consortium")
    path = f"/funds/{fund.id}"

    async def change(version: int, **said: Any) -> tuple[int, Any]:
        status, found, _ = await finance.ask("PATCH", path, said, If_Match=f'"{version}"')
        return status, found

    assert (await finance.ask("PATCH", path, {"name": "x"}))[0] == 428
    assert (await change(7, name="x"))[1]["code"] == "stale_version"
    assert (await change(1, name=other.name))[1]["code"] == "fund_named"
    assert (await change(1, programmes=["consortium"]))[1]["code"] == "programme_funded"
    faults = (await change(1, clause="aq-2024-91/99", programmes=["agency-recruitment"]))[1]["errors"]
    assert [fault["pointer"] for fault in faults] == ["/clause", "/programmes/0"]
    award = await make_award(await make_organisation(), fund=fund)
    assert (await change(1, programmes=["cross-city"]))[1]["code"] == "fund_in_use"
    status, found = await change(1, name="改名后的资金", programmes=["feeder-referral"])
    assert (status, found["name"], found["version"]) == (200, "改名后的资金", 2)
    assert found["programmes"] == ["feeder-referral"]
    _, seen, headers = await finance.ask("GET", path)
    assert (seen, headers["ETag"]) == (found, '"2"')
    assert (await change(2))[1] == found, "nothing said, nothing changed"
    noted = await AuditEntry.get(subject=f"fund:{fund.id}", action="fund.changed")
    assert (noted.actor_id, noted.fields) == (finance.person_id, ["name", "programmes"])
    await Award.filter(id=award.id).delete()
    assert (await change(2, programmes=["cross-city"]))[0] == 200
    approver = await staff(client, Role.APPROVER)
    assert (await approver.ask("PATCH", path, {"name": "x"}, If_Match='"3"'))[0] == 403


async def test_papers_are_put_replaced_and_kept(client: aiohttp.ClientSession, server: Server, finance: Caller) -> None:
    fund = await make_fund()
    path = f"/funds/{fund.id}/basis"
    status, nothing, _ = await finance.ask("GET", f"{path}?year=2026")
    assert (status, nothing["payable"], nothing["missing"]) == (200, False, ["legal_basis", "payer", "recognition"])
    assert (await put(finance, fund.id, BASIS))[0] == 200
    bureau = await make_organisation(Kind.AUTHORITY, name="市财政局（示例）")
    status, found = await put(
        finance, fund.id, {"kind": "payer", "payer": str(bureau.id), "number": "宜财〔2026〕12号"}
    )
    assert (status, found["papers"][0]["payer"]) == (200, {"id": str(bureau.id), "name": bureau.name})
    status, found = await put(finance, fund.id, {"kind": "recognition", "year": "2026"})
    assert (status, found["year"], found["payable"], found["missing"]) == (200, 2026, True, [])
    newer = {"kind": "recognition", "year": "2026", "title": "更正的认定"}
    status, found = await put(finance, fund.id, newer)
    assert [paper["title"] for paper in found["papers"] if paper["kind"] == "recognition"] == ["更正的认定"]
    assert len(found["history"]) == 4
    replaced = next(paper for paper in found["history"] if paper["replaced_at"])
    reader = await staff(client, Role.APPROVER)
    for paper in (found["papers"][0], replaced):
        status, picture, headers = await reader.ask("GET", f"{path}/{paper['id']}/file")
        assert (status, headers["Content-Type"], picture[:2]) == (200, "image/jpeg", b"\xff\xd8")
    assert await reader.status("GET", f"/funds/{(await make_fund()).id}/basis/{replaced['id']}/file") == 404
    names = {file.name for file in (server.log.parent / "files").iterdir()}
    assert {paper.scan_id.hex for paper in await FundPaper.filter(fund_id=fund.id)} <= names
    assert await AuditEntry.filter(subject=f"fund:{fund.id}", action="fund.paper_put").count() == 4


async def test_a_wrong_paper_is_taken_off_at_once_with_its_reason(
    client: aiohttp.ClientSession, finance: Caller
) -> None:
    fund = await make_fund(papers_of=2026)
    wrong = await FundPaper.get(fund_id=fund.id, kind=PaperKind.RECOGNITION)
    path, said = f"/funds/{fund.id}/basis/{wrong.id}/withdraw", {"reason": "文号有误，重新办理"}
    approver = await staff(client, Role.APPROVER)
    assert (await approver.ask("POST", path, said, Idempotency_Key=str(new_id())))[0] == 403
    key = str(new_id())
    for _ in range(2):
        status, found, _ = await finance.ask("POST", path, said, Idempotency_Key=key)
        assert (status, found["year"], found["payable"], found["missing"]) == (200, 2026, False, ["recognition"])
        assert len(found["history"]) == 3
    status, problem, _ = await finance.ask("POST", path, said, Idempotency_Key=str(new_id()))
    assert (status, problem["code"]) == (409, "paper_replaced")
    other = f"/funds/{(await make_fund()).id}/basis/{wrong.id}/withdraw"
    assert (await finance.ask("POST", other, said, Idempotency_Key=str(new_id())))[0] == 404
    entry = await AuditEntry.get(subject=f"fund:{fund.id}", action="fund.paper_withdrawn")
    assert (entry.reason, entry.before) == (said["reason"], "recognition")


async def test_a_paper_that_cannot_be_true_is_refused_with_every_fault(finance: Caller) -> None:
    fund, tomorrow = await make_fund(), clock.today() + timedelta(days=1)
    applied = await make_organisation(Kind.AUTHORITY, state=OrganisationState.APPLIED)
    school = await make_organisation()
    for said, pointers in (
        ({"kind": "legal_basis", "year": "2026", "payer": str(school.id)}, ["/year", "/payer"]),
        ({"kind": "payer"}, ["/payer"]),
        ({"kind": "payer", "payer": str(school.id)}, ["/payer"]),
        ({"kind": "payer", "payer": str(applied.id)}, ["/payer"]),
        ({"kind": "payer", "payer": str(new_id())}, ["/payer"]),
        ({"kind": "recognition"}, ["/year"]),
        ({"kind": "recognition", "year": "1999"}, ["/year"]),
        ({"kind": "legal_basis", "issued_on": str(tomorrow), "valid_to": "2024-01-01"}, ["/issued_on", "/valid_to"]),
        ({"kind": "bank", "title": "联系电话13800138000", "more": "x"}, ["/kind", "/title", "/more"]),
    ):
        status, found = await put(finance, fund.id, said)
        assert (status, [fault["pointer"] for fault in found["errors"]]) == (422, pointers)
    assert (await put(finance, fund.id, BASIS, b"%PDF-1.7"))[1]["code"] == "scan_type"
    assert (await put(finance, fund.id, BASIS, None))[0] == 422
    assert (await put(finance, new_id(), BASIS))[0] == 404
    assert await FundPaper.filter(fund_id=fund.id).count() == 0


async def test_money_comes_in_once_and_goes_out_only_where_it_is(finance: Caller) -> None:
    fund, path = await filled(finance)
    first = await post(finance, f"{path}/entries", MONEY, "again")
    assert await post(finance, f"{path}/entries", MONEY, "again") == first
    less = {"kind": "reduce", "amount_fen": 1_000_000_001, "reason": "核减"}
    assert (await post(finance, f"{path}/entries", less))[1]["code"] == "budget_short"
    assert (await post(finance, f"{path}/entries", less | {"amount_fen": 1}))[0] == 201
    for wrong in ({"kind": "spend"}, {"amount_fen": 0}, {"amount_fen": 1.5}, {"amount_fen": 10**15}, {"reason": ""}):
        assert (await post(finance, f"{path}/entries", MONEY | wrong))[0] == 422
    for year, status, code in (
        (YEAR + 2, 409, "budget_year"),
        (99_999_999_999, 404, "not_found"),
        (0, 404, "not_found"),
    ):
        assert (await post(finance, f"/funds/{fund.id}/budgets/{year}/entries", MONEY))[1]["code"] == code
        assert await finance.status("GET", f"/funds/{fund.id}/budgets/{year}") == 404, status
    assert (await post(finance, f"/funds/{new_id()}/budgets/{YEAR}/entries", MONEY))[0] == 404
    assert await finance.status("GET", f"/funds/{new_id()}/budgets") == 404
    status, found, _ = await finance.ask("GET", path)
    assert (status, found["available_fen"], found["appropriated_fen"]) == (200, 999_999_999, 999_999_999)
    assert (found["explained"], found["months"][-1]["available_fen"]) == (True, 999_999_999)
    assert [one["year"] for one in (await finance.ask("GET", f"/funds/{fund.id}/budgets"))[1]["items"]] == [YEAR]


async def test_where_each_fen_is_and_the_entries_as_a_file(finance: Caller) -> None:
    fund, path = await filled(finance, 3 * REWARD_FEN)
    budget, school = await Budget.get(fund_id=fund.id), await make_organisation()
    approved, paid = await make_award(school), await make_award(school)
    await reserve(budget, approved, paid)
    for kind in (EntryKind.COMMIT, EntryKind.SPEND):
        await move(budget, kind, paid)
    await Award.filter(id=paid.id).update(state=AwardState.PAID)
    found = (await finance.ask("GET", path))[1]
    assert (found["explained"], found["unexplained"]) == (True, [])
    assert found["places"] == [
        {"account": "reserved", "state": "approved", "awards": 1, "fen": REWARD_FEN},
        {"account": "spent", "state": "paid", "awards": 1, "fen": REWARD_FEN},
    ]
    await Award.filter(id=approved.id).update(state=AwardState.PROPOSED)
    found = (await finance.ask("GET", path))[1]
    assert (found["explained"], found["unexplained"]) == (False, [str(approved.id)])
    await Award.filter(id=approved.id).update(state=AwardState.APPROVED)
    entries = (await finance.ask("GET", f"{path}/entries?award={paid.id}&limit=2"))[1]
    assert [one["kind"] for one in entries["items"]] == ["spend", "commit"]
    more = await finance.ask("GET", f"{path}/entries?award={paid.id}&limit=2&cursor={entries['next_cursor']}")
    assert [one["kind"] for one in more[1]["items"]] == ["reserve"]
    status, file, _ = await finance.ask("GET", f"{path}/entries?format=csv")
    lines = list(csv.reader(io.StringIO(file.decode("utf-8-sig"))))
    assert (status, len(lines), lines[2][1:5]) == (200, 2 + 5, ["支付", "结算中", "已支付", "500"])
    assert entries["items"][0]["about"] == paid.matter
    assert (lines[1][6], lines[2][6]) == ("奖补（登记编号或事项）", paid.matter)
    assert await finance.status("GET", f"{path}/entries?format=xlsx") == 200
    assert await finance.status("GET", f"{path}/entries?sort=x") == 422
    today, tomorrow = clock.today(), clock.today() + timedelta(days=1)
    for days, count in ((f"since={today}&until={today}", 5), (f"since={tomorrow}", 0), ("until=2019-01-01", 0)):
        assert len((await finance.ask("GET", f"{path}/entries?{days}"))[1]["items"]) == count
    assert await finance.status("GET", f"{path}/entries?since=0001-01-01&until=9999-12-31") == 200


async def test_over_budget_in_parallel_takes_what_there_is(finance: Caller) -> None:
    _, path = await filled(finance, 10)
    less = {"kind": "reduce", "amount_fen": 3, "reason": "核减"}
    answers = await asyncio.gather(*(post(finance, f"{path}/entries", less) for _ in range(24)))
    assert Counter(status for status, _ in answers) == {201: 3, 409: 21}
    found = (await finance.ask("GET", path))[1]
    assert (found["available_fen"], found["appropriated_fen"], found["explained"]) == (1, 1, True)


async def test_the_end_of_a_year(finance: Caller) -> None:
    fund, path = await filled(finance, 3 * REWARD_FEN)
    budget, school = await Budget.get(fund_id=fund.id), await make_organisation()
    award, sent = await make_award(school), await make_award(school)
    await reserve(budget, award, sent)
    await move(budget, EntryKind.COMMIT, sent)
    await Award.filter(id=sent.id).update(state=AwardState.ON_STATEMENT)
    end = {"carry_over_fen": REWARD_FEN, "reason": "年末结账"}
    assert (await finance.ask("POST", f"{path}/close", end))[0] == 422, "no key"
    assert (await post(finance, f"{path}/close", end))[1]["code"] == "budget_in_flight"
    await move(budget, EntryKind.SPEND, sent)
    await Award.filter(id=sent.id).update(state=AwardState.PAID)
    too_much = end | {"carry_over_fen": 2 * REWARD_FEN + 1}
    assert (await post(finance, f"{path}/close", too_much))[1]["code"] == "budget_short"
    closing = [post(finance, f"{path}/close", end, "one") for _ in range(4)]
    closing += [post(finance, f"{path}/close", end) for _ in range(4)]
    answers = await asyncio.gather(*closing)
    assert {status for status, _ in answers} <= {200, 409}
    assert (await post(finance, f"{path}/close", end))[1]["code"] == "budget_closed"
    found = (await finance.ask("GET", path))[1]
    assert (found["state"], found["explained"], found["surrendered_fen"]) == ("closed", True, REWARD_FEN)
    following = (await finance.ask("GET", f"/funds/{fund.id}/budgets/{YEAR + 1}"))[1]
    assert (following["available_fen"], following["explained"]) == (REWARD_FEN, True)
    assert (await post(finance, f"{path}/entries", MONEY))[1]["code"] == "budget_closed"
    waiting = await Award.get(id=award.id)
    assert (waiting.state, waiting.budget_id) == (AwardState.AWAITING_FUNDS, None)
    assert await LedgerEntry.filter(budget_id=budget.id, kind=EntryKind.CARRY_OUT).count() == 1


async def test_money_is_finances_and_nobody_elses(client: aiohttp.ClientSession, finance: Caller) -> None:
    _, path = await filled(finance)
    for role, entry, close in ((Role.ADMIN, 201, 403), (Role.APPROVER, 403, 403), (Role.EDITOR, 403, 403)):
        who = await staff(client, role)
        assert (await post(who, f"{path}/entries", MONEY))[0] == entry
        assert (await post(who, f"{path}/close", {"carry_over_fen": 0, "reason": "结账"}))[0] == close
        assert await who.status("GET", path) == 200
    manager = await member(client, await make_organisation(), Role.MANAGER)
    for method, where in (("GET", "/funds"), ("GET", path), ("GET", f"{path}/entries")):
        assert await manager.status(method, where) == 403
