"""Statements over HTTP: from the approved awards to the receipt, each seen by whom it concerns, the number by few."""

import asyncio
from typing import Any

import aiohttp
import pytest

from server.kernel.audit import AuditEntry
from server.kernel.ids import new_id
from server.organisations import payee_accounts
from server.organisations.models import AccountBasis
from server.organisations.payee_accounts import Named
from server.organisations.roles import Role
from server.people.models import Person
from tests.factories import make_member, make_organisation
from tests.gateways.workbooks import archive, book
from tests.harness import listing
from tests.harness.app import Server
from tests.harness.callers import Caller, caller, member, staff
from tests.harness.funding import REWARD_FEN
from tests.statements.filling import cells, filled, separated, table
from tests.statements.paying_world import FAILED, NUMBER, OTHER_NUMBER, PAID, World, world

pytestmark = pytest.mark.usefixtures("database")
REASON = {"reason": "核对无误"}
OTHER_ACCOUNT = Named(AccountBasis.OWN_ACCOUNT, "江畔中学（示例）", "宜城农商银行（示例）", OTHER_NUMBER)


class Office:
    """A school and the people who pay it, who call with a key of their own each time."""

    def __init__(self, here: World, client: aiohttp.ClientSession, callers: dict[str, Caller]) -> None:
        self.here, self.client, self.callers = here, client, callers

    async def post(self, who: str, path: str, body: Any = None, key: str = "") -> tuple[int, Any]:
        key = key or str(new_id())
        status, found, _ = await self.callers[who].ask("POST", f"/statements{path}", body, Idempotency_Key=key)
        return status, found

    async def get(self, who: str, path: str = "") -> tuple[int, Any]:
        status, found, _ = await self.callers[who].ask("GET", f"/statements{path}")
        return status, found

    async def results(self, statement: Any, data: bytes, key: str = "", who: str = "finance") -> tuple[int, Any]:
        path = f"/statements/{statement['id']}/results"
        return await listing.send(self.callers[who], path, data, key or str(new_id()))

    async def opened(self, count: int = 3) -> Any:
        await self.here.awards(count)
        status, found = await self.post("finance", "", {"payee": str(self.here.school.id)})
        assert status == 201, found
        return found

    async def sent(self, count: int = 3) -> Any:
        made = await self.opened(count)
        for who, verb, body in (("finance", "lock", None), ("approver", "approve", REASON), ("finance", "send", None)):
            status, made = await self.post(who, f"/{made['id']}/{verb}", body)
            assert status == 200, made
        return made

    async def file(self, statement: Any) -> bytes:
        status, data = await self.get("finance", f"/{statement['id']}/file.xlsx")
        assert status == 200, data
        return bytes(data)


@pytest.fixture
async def office(client: aiohttp.ClientSession) -> Office:
    here = await world()
    clerk = (await make_member(here.school, Role.CLERK)).person_id
    people = {
        "finance": here.finance,
        "other finance": here.other_finance,
        "approver": here.approver,
        "manager": here.manager,
        "clerk": clerk,
    }
    return Office(here, client, {name: await caller(client, person_id) for name, person_id in people.items()})


async def test_from_the_approved_awards_to_the_receipt(office: Office) -> None:
    opened = await office.opened()
    assert (opened["state"], opened["count"], opened["total_fen"], opened["account"]) == (
        "open",
        3,
        3 * REWARD_FEN,
        None,
    )
    assert [row["number"] for row in opened["rows"]] == [None] * 3
    path = f"/{opened['id']}"
    assert (await office.get("finance", f"{path}/file.xlsx"))[0] == 409
    for who in ("clerk", "manager"):
        assert (await office.get(who, path))[0] == 404, "it has not gone out"
        assert (await office.get(who))[1]["items"] == []
    status, locked = await office.post("finance", f"{path}/lock")
    assert (status, locked["state"], locked["approvals_needed"], locked["approvals"]) == (200, "locked", 1, [])
    assert locked["account"]["number"] == "*" * 15 + NUMBER[-4:]
    assert [row["number"] for row in locked["rows"]] == [1, 2, 3]
    assert (opened["account_pending"], locked["account_pending"]) == (False, False)
    await payee_accounts.name(office.here.school.id, OTHER_ACCOUNT, by=office.here.manager)
    assert (await office.get("finance", path))[1]["account_pending"] is True
    assert (await office.post("finance", f"{path}/send"))[1]["code"] == "approvals_missing"
    status, approved = await office.post("approver", f"{path}/approve", REASON)
    assert (status, approved["approvals"][0]["person_id"]) == (200, str(office.here.approver))
    status, sent = await office.post("finance", f"{path}/send")
    assert (status, sent["state"], sent["account_pending"]) == (200, "sent", True)

    data = await office.file(sent)
    status, settled = await office.results(sent, filled(data, {1: PAID, 2: FAILED, 3: PAID}))
    assert (status, settled["state"]) == (200, "settled"), settled
    assert settled["outcomes"] == {"paid": 2, "failed": 1, "bank_returned": 0}
    assert [row["results"][0]["outcome"] for row in settled["rows"]] == ["paid", "failed", "paid"]
    assert settled["rows"][1]["results"][0]["reason"] == FAILED[1]

    status, back = await office.post("finance", f"{path}/bank-return", {"row": 1, "reason": "银行退汇"})
    assert (status, back["outcomes"]["bank_returned"]) == (200, 1)
    assert [one["outcome"] for one in back["rows"][0]["results"]] == ["paid", "bank_returned"]
    assert "undo_bank_return" not in back["may"]
    wrong = {"row": 1, "reason": "登记错了行"}
    assert (await office.post("finance", f"{path}/undo-bank-return", wrong))[1]["code"] == "entry_another_person"
    status, undone = await office.post("approver", f"{path}/undo-bank-return", wrong)
    assert (status, undone["outcomes"]["bank_returned"]) == (200, 0)
    assert [one["outcome"] for one in undone["rows"][0]["results"]][2:] == ["return_undone"]
    assert (await office.post("finance", f"{path}/bank-return", {"row": 1, "reason": "银行退汇"}))[0] == 200
    body = {"payee": str(office.here.school.id), "follows": opened["id"]}
    status, follow = await office.post("finance", "", body)
    assert (status, follow["count"], follow["follows"]) == (201, 2, opened["id"])

    status, seen = await office.get("clerk", path)
    assert (status, seen["opened_by"], seen["sent_by"], seen["approvals"][0]["person_id"]) == (200, None, None, None)
    status, said = await office.post("clerk", f"{path}/receipt", {"verdict": "disputed", "note": "少一笔"})
    assert (status, said["receipt"]["verdict"], said["receipt"]["note"]) == (200, "disputed", "少一笔")
    status, said = await office.post("manager", f"{path}/receipt", {"verdict": "confirmed"})
    assert (status, said["receipt"]["verdict"]) == (200, "confirmed")
    assert [one["id"] for one in (await office.get("clerk"))[1]["items"]] == [opened["id"]]
    assert (await office.get("clerk", f"/{follow['id']}"))[0] == 404


async def test_the_file_says_what_is_to_be_paid_and_who_took_it_is_noted(office: Office) -> None:
    sent = await office.sent()
    found = await cells(await office.file(sent))
    above = "\n".join(str(row[0]) for row in found[:5])
    for told in (
        "导出：",
        "市财政局（示例）",
        "江畔中学（示例）",
        "1500",
        "壹仟伍佰元整",
        "共3行",
        "只填写“结果”和“原因”两栏",
    ):
        assert told in above
    assert found[5] == [
        "结算单号", "行号", "类别", "登记编号或事项", "户名", "开户行", "账号", "金额（元）", "用途", "结果", "原因",
    ]  # fmt: skip
    assert found[6][:3] == [sent["number"], "1", "支付"]
    assert found[6][4:8] == ["江畔中学（示例）", "宜城农商银行（示例）", NUMBER, "500"]
    assert all(isinstance(cell, str) for row in found[6:] for cell in row)
    [entry] = await AuditEntry.filter(subject=f"payee_account:{office.here.account.id}", action__endswith="revealed")
    assert (entry.actor_id, entry.after, entry.fields) == (office.here.finance, "finance", ["number"])
    _, looks, _ = await office.callers["manager"].ask("GET", f"/reveals?subject=payee_account:{office.here.account.id}")
    assert [(one["role"], one["reason"]) for one in looks["items"]] == [
        ("finance", f"结算单 {sent['number']} 的付款文件")
    ]


async def test_the_number_is_shown_nowhere_else(office: Office, server: Server) -> None:
    sent = await office.sent()
    data = await office.file(sent)
    rows = await table(data, {1: PAID, 2: PAID, 3: PAID})
    rows[-1][7] = "501"
    status, problem = await office.results(sent, separated(rows))
    assert (status, problem["code"]) == (422, "invalid")
    [fault] = problem["errors"]
    assert fault["pointer"] == f"/file/{len(rows)}/amount"
    assert fault["detail"].startswith(f"第{len(rows)}行 金额（元）：与送出的结算单不一致")
    everything = [problem, sent, await office.get("clerk", f"/{sent['id']}"), await office.get("finance")]
    assert NUMBER not in str(everything)
    assert NUMBER not in server.log.read_text()


async def test_a_key_is_required_and_the_same_request_is_done_once(office: Office) -> None:
    await office.here.awards(2)
    body, finance = {"payee": str(office.here.school.id)}, office.callers["finance"]
    status, problem, _ = await finance.ask("POST", "/statements", body)
    assert (status, problem["errors"][0]["pointer"]) == (422, "Idempotency-Key")
    first, again = [await office.post("finance", "", body, "one") for _ in range(2)]
    assert first[0] == again[0] == 201
    assert first[1]["id"] == again[1]["id"]
    path = f"/{first[1]['id']}"
    for verb in ("lock", "send", "void", "return", "bank-return", "results"):
        status, problem, _ = await finance.ask(
            "POST", f"/statements{path}/{verb}", {} if verb in {"lock", "send"} else REASON
        )
        assert status in {415, 422}, verb
    assert [(await office.post("finance", f"{path}/lock", None, "two"))[0] for _ in range(2)] == [200, 200]
    assert (await office.post("finance", f"{path}/lock"))[1]["code"] == "statement_state"


async def test_each_verb_is_for_its_role(office: Office, client: aiohttp.ClientSession) -> None:
    opened = await office.opened(1)
    path = f"/{opened['id']}"
    office.callers["reviewer"], office.callers["admin"] = (
        await staff(client, Role.REVIEWER),
        await staff(client, Role.ADMIN),
    )
    office.callers["stranger"] = await member(client, await make_organisation(), Role.MANAGER)
    for who in ("reviewer", "admin", "approver", "manager", "stranger"):
        assert (await office.post(who, "", {"payee": str(office.here.school.id)}))[0] == 403
        for verb, body in (("lock", None), ("send", None), ("void", REASON), ("return", REASON)):
            assert (await office.post(who, f"{path}/{verb}", body))[0] == 403, (who, verb)
        assert (await office.get(who, f"{path}/file.xlsx"))[0] == 403
    for who in ("reviewer", "admin", "finance", "manager"):
        assert (await office.post(who, f"{path}/approve", REASON))[0] == 403
    assert (await office.get("stranger", path))[0] == 404
    assert (await office.post("stranger", f"{path}/receipt", {"verdict": "confirmed"}))[0] == 404
    assert (await office.post("finance", f"{path}/receipt", {"verdict": "confirmed"}))[0] == 403
    assert (await office.get("reviewer", path))[0] == 200


async def test_a_member_of_the_school_who_works_in_finance_is_kept_away(office: Office) -> None:
    opened = await office.opened(1)
    person = await Person.get(id=office.here.finance)
    await make_member(office.here.school, Role.CLERK, person)
    assert (await office.post("finance", f"/{opened['id']}/lock"))[1]["code"] == "decides_for_own"
    assert (await office.post("other finance", f"/{opened['id']}/lock"))[0] == 200
    assert (await office.get("finance", f"/{opened['id']}/file.xlsx"))[1]["code"] == "decides_for_own"


async def test_requests_at_once_have_one_effect(office: Office) -> None:
    opened = await office.opened(3)
    path = f"/{opened['id']}"
    locked = await asyncio.gather(*[office.post(who, f"{path}/lock") for who in ("finance", "other finance") * 4])
    assert sorted(status for status, _ in locked) == [200, *[409] * 7]
    assert (await office.post("approver", f"{path}/approve", REASON))[0] == 200
    sent = await asyncio.gather(*[office.post(who, f"{path}/send") for who in ("finance", "other finance") * 4])
    assert sorted(status for status, _ in sent) == [200, *[409] * 7]
    data = filled(await office.file(opened), {1: PAID, 2: PAID, 3: PAID})
    done = await asyncio.gather(*[office.results(opened, data) for _ in range(2)])
    assert [status for status, _ in done] == [200, 200]
    assert await office.here.money() == (0, 0, 3)
    body = {"row": 1, "reason": "银行退汇"}
    back = await asyncio.gather(*[office.post("finance", f"{path}/bank-return", body) for _ in range(4)])
    assert sorted(status for status, _ in back) == [200, *[409] * 3]
    assert await office.here.money() == (1, 0, 2)


HEADINGS = ["结算单号", "行号", "户名", "开户行", "账号", "金额（元）", "结果", "原因"]


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"nonsense", 415, "spreadsheet_type"),
        (b"PK\x03\x04 broken", 422, "spreadsheet_broken"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), 415, "spreadsheet_old"),
        (
            archive({"xl/vbaProject.bin": "x", "xl/workbook.xml": "x", "[Content_Types].xml": "x"}),
            422,
            "spreadsheet_macros",
        ),
        (book([["a", "b"], ["1", "2"]]), 422, "spreadsheet_headings"),
        (book([HEADINGS]), 422, "spreadsheet_empty"),
        (book([[*HEADINGS, "账号"], ["x"] * 9]), 422, "spreadsheet_headings"),
        (book([HEADINGS, ["=1+1"] * 8]), 422, "invalid"),
        (book([HEADINGS, *[["x"] * 8] * 2000]), 422, "invalid"),
    ],
)
async def test_a_file_that_is_none_is_refused_clearly(
    client: aiohttp.ClientSession, one_sent: tuple[Office, Any], data: bytes, status: int, code: str
) -> None:
    assert client
    office, sent = one_sent
    found, problem = await office.results(sent, data)
    assert (found, problem["code"]) == (status, code), problem
    assert (await office.get("finance", f"/{sent['id']}"))[1]["state"] == "sent"


@pytest.fixture(scope="module")
async def one_sent(client: aiohttp.ClientSession, database: object) -> tuple[Office, Any]:
    """A statement that has gone out, to be sent rubbish for."""
    assert database
    here = await world()
    people = {"finance": here.finance, "approver": here.approver}
    office = Office(here, client, {name: await caller(client, person_id) for name, person_id in people.items()})
    return office, await office.sent(1)


@pytest.mark.parametrize(
    ("verb", "body", "pointer"),
    [
        ("bank-return", {"reason": "退汇"}, "/row"),
        ("bank-return", {"reason": "退汇", "row": 1, "award": str(new_id())}, "/row"),
        ("bank-return", {"row": 1}, "/reason"),
        ("bank-return", {"row": 0, "reason": "退汇"}, "/row"),
        ("bank-return", {"row": 1, "reason": f"账号 {NUMBER}"}, "/reason"),
        ("void", {}, "/reason"),
        ("return", {"reason": "", "more": 1}, "/reason"),
    ],
)
async def test_a_body_is_read_strictly(one_sent: tuple[Office, Any], verb: str, body: Any, pointer: str) -> None:
    office, sent = one_sent
    status, problem = await office.post("finance", f"/{sent['id']}/{verb}", body)
    assert (status, problem["code"]) == (422, "invalid")
    assert pointer in {one["pointer"] for one in problem["errors"]}


async def test_a_receipt_that_disputes_says_why(office: Office) -> None:
    sent = await office.sent(1)
    for body, at in (
        ({"verdict": "disputed"}, ["/note"]),
        ({"verdict": "none"}, ["/verdict"]),
        ({}, ["/verdict"]),
        ({"verdict": "confirmed", "note": "电话 13800000000"}, ["/note"]),
    ):
        status, refused = await office.post("clerk", f"/{sent['id']}/receipt", body)
        assert (status, [one["pointer"] for one in refused["errors"]]) == (422, at)
    assert (await office.post("clerk", f"/{sent['id']}/receipt", {}))[1]["errors"][0]["detail"].startswith("是否收到")
    nothing = (await office.post("finance", f"/{sent['id']}/bank-return", {}))[1]["errors"]
    assert [one["pointer"] for one in nothing] == ["/reason", "/row"], "all faults at once"


async def test_statements_are_listed_paged_filtered_and_taken_as_a_file(office: Office) -> None:
    made = [await office.sent(1), await office.opened(1), await office.opened(1)]
    school = office.here.school.id
    _, found = await office.get("finance", f"?payee={school}&limit=2")
    _, rest = await office.get("finance", f"?payee={school}&limit=2&cursor={found['next_cursor']}")
    assert [one["id"] for one in found["items"] + rest["items"]] == [one["id"] for one in reversed(made)]
    for query, expected in (
        (f"?payee={school}&state=sent", 1),
        (f"?fund={office.here.fund.id}&year={office.here.budget.year}", 3),
        (f"?payee={school}&year=2001", 0),
    ):
        assert len((await office.get("finance", query))[1]["items"]) == expected
    for query in ("?state=gone", "?number=1", "?year=x"):
        assert (await office.get("finance", query))[0] == 422
    status, data = await office.get("finance", f"?payee={school}&format=csv")
    lines = data.decode("utf-8-sig").splitlines()
    assert (status, len(lines)) == (200, 5)
    assert "已送出" in lines[4]
    assert NUMBER not in data.decode("utf-8-sig")


async def test_rows_are_paged(office: Office) -> None:
    sent = await office.sent(5)
    path, seen = f"/{sent['id']}/rows?limit=2", []
    cursor = ""
    while cursor is not None:
        _, found = await office.get("clerk", path + (f"&cursor={cursor}" if cursor else ""))
        seen += [row["number"] for row in found["items"]]
        cursor = found["next_cursor"]
    assert seen == [1, 2, 3, 4, 5]


async def test_what_is_not_there_is_404(office: Office) -> None:
    gone = f"/{new_id()}"
    assert (await office.get("finance", gone))[0] == 404
    assert (await office.post("finance", f"{gone}/lock"))[0] == 404
    assert (await office.post("finance", "", {"payee": str(new_id())}))[0] == 404
