"""Lists over HTTP with a real worker: each row once and told in Chinese, mended and sent again, seen by its school."""

from datetime import date
from typing import Any

import aiohttp
import pytest

from server.enrolments.models import Enrolment, EnrolmentState
from server.imports.models import ImportRow
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.jobs.models import Job
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from server.referrals.models import Referral, ReferralState
from tests.factories import make_organisation
from tests.harness.app import Server
from tests.harness.callers import Caller, caller, member, staff
from tests.harness.listing import HEADINGS, cells, ended, rows, send, sheet, workbook
from tests.referrals.registering import opened
from tests.students.numbers import number_of

pytestmark = pytest.mark.usefixtures("database")
REFERRALS, ENROLMENTS = "/referrals/imports", "/enrolments/imports"
YEAR = clock.today().year
TERMS: dict[str, Any] = {"year": YEAR, "intake": "autumn"}
BORN = date(YEAR - 15, 5, 5)
OTHER_SCHOOL = "宜城职业学校（示例）"


@pytest.fixture(scope="module", autouse=True)
async def year(database: object) -> None:  # noqa: ARG001 -- opened first
    await opened()


@pytest.fixture
async def school() -> Organisation:
    return await make_organisation()


@pytest.fixture
async def clerk(client: aiohttp.ClientSession, school: Organisation) -> Caller:
    return await member(client, school, Role.CLERK)


def line(name: str = "何小满", number: str = "", phone: Any = "", level: str = "", group: str = "") -> list[Any]:
    return [name, number or number_of(BORN), phone, level, group]


async def sent(who: Caller, data: bytes, path: str = REFERRALS, **terms: Any) -> Any:
    """A list that was taken in and worked off."""
    status, told = await send(who, path, data, **{**TERMS, **terms})
    assert status == 202, told
    return await ended(who, path, told)


async def test_a_thousand_rows_of_all_kinds(clerk: Caller, school: Organisation, client: aiohttp.ClientSession) -> None:
    rival = await member(client, await make_organisation(name="另一中学（示例）"), Role.CLERK)
    claimed = number_of(BORN)
    body = {**TERMS, "student": {"name": "何小满", "id_number": claimed}}
    assert await rival.status("POST", "/referrals", body) == 201
    good, first = [line() for _ in range(990)], line(phone="13900000000")
    said = [
        *good,
        first,
        list(first),  # 993: the same again
        line(number=first[1], phone="13900000001"),  # 994: the same student, otherwise
        line(number=claimed),  # 995: another school's
        line(number=str(first[1])[:17] + "Y"),  # 996
        line(number=3.40802e17, phone="1390000"),  # type: ignore[arg-type]  # 997: two faults
        line(name="", level="博士"),  # 998: two faults
        line(level="技工", group="三（1）班"),
    ]
    found = await sent(clerk, sheet(said))
    assert (found["state"], found["total"], found["done"], found["percent"]) == ("done", 998, 998, 100)
    assert found["counts"] == {"accepted": 992, "warning": 1, "repeated": 1, "refused": 4}
    assert await Referral.filter(school=school).count() == 993
    assert await Referral.filter(school=school, state=ReferralState.DISPUTED).count() == 1
    told = {row["number"]: row for row in await rows(clerk, REFERRALS, found)}
    assert list(told) == list(range(2, 1000))
    assert told[2]["subject"].startswith("referral:")
    assert (told[993]["outcome"], told[993]["remarks"][0]["detail"]) == (
        "repeated",
        "身份证号：与第992行完全相同，没有重复登记",
    )
    assert told[994]["outcome"] == told[996]["outcome"] == "refused"
    assert told[995]["outcome"] == "warning"
    assert [one["field"] for one in told[997]["remarks"]] == ["id_number", "phone"]
    assert {one["heading"] for one in told[998]["remarks"]} == {"学生姓名", "层次"}
    assert told[996]["remarks"][0]["value"] == "*" * 16 + str(first[1])[16] + "Y"
    refused = await rows(clerk, REFERRALS, found, "&outcome=refused")
    assert [row["number"] for row in refused] == [994, 996, 997, 998]
    shown = str(told)
    assert not any(str(row[1]) in shown or (row[2] and str(row[2]) in shown) for row in said)


async def test_the_same_file_again_registers_nobody_twice(clerk: Caller, school: Organisation) -> None:
    data = sheet([line() for _ in range(30)])
    assert (await sent(clerk, data))["counts"]["accepted"] == 30
    found = await sent(clerk, data)
    assert found["counts"] == {"accepted": 0, "warning": 0, "repeated": 30, "refused": 0}
    assert await Referral.filter(school=school).count() == 30
    status, listed, _ = await clerk.ask("GET", REFERRALS)
    assert status == 200
    assert listed["items"][0]["id"] == found["id"]
    assert len(listed["items"]) == 2


async def test_refused_rows_are_mended_and_sent_again(clerk: Caller, school: Organisation) -> None:
    wrong = line(name="吴  邪", phone="139", group="=1+1")
    found = await sent(clerk, sheet([line(), wrong, line(name="")]))
    assert found["counts"]["refused"] == 2
    path = f"{REFERRALS}/{found['id']}/failed.xlsx"
    status, data, headers = await clerk.ask("GET", path)
    assert (status, headers["Cache-Control"]) == (200, "private, no-store")
    given = await cells(data)
    [head] = [place for place, row in enumerate(given) if row[0] == "学生姓名"]
    assert given[head + 1][:5] == ["吴  邪", wrong[1], "139", None, "=1+1"]
    assert "电话" in given[head + 1][5]
    entries = AuditEntry.filter(subject=f"import:{found['id']}", action="import.failed_rows_given").order_by("id")
    [entry] = await entries
    assert (entry.actor_id, bool(entry.reason), "id_number" in entry.fields) == (clerk.person_id, True, True)
    assert await clerk.status("GET", f"{path}?reason=家长更正") == 200
    assert [entry.reason for entry in await entries][1] == "家长更正"
    assert await clerk.status("GET", f"{path}?reason=13900000000") == 422
    given[head + 1][2], given[head + 2][0] = "13900000000", "王小明"
    again = await sent(clerk, sheet(given[head + 1 :], given[head]))
    assert again["counts"] == {"accepted": 2, "warning": 0, "repeated": 0, "refused": 0}
    assert await Referral.filter(school=school).count() == 3


async def test_refused_rows_come_back_under_headings_that_are_read_again(clerk: Caller) -> None:
    groups = ["学生基本情况", "", "监护人情况", ""]
    rows = [["姓名", "身份证号", "姓名", "电话"], ["何小满", "34", "何大", "13900000000"]]
    found = await sent(clerk, sheet(rows, groups))
    _, data, _ = await clerk.ask("GET", f"{REFERRALS}/{found['id']}/failed.xlsx")
    again = await sent(clerk, data)
    fields = ["name", "id_number", "guardian_name", "guardian_phone"]
    assert [[one["field"] for one in told["headings"]] for told in (found, again)] == [fields] * 2


async def test_a_row_that_cannot_be_read_hides_no_other(clerk: Caller) -> None:
    found = await sent(clerk, sheet([line(name="", group="甲"), line(name="", group="乙")]))
    one, other = await ImportRow.filter(source_id=found["id"]).order_by("number")
    await ImportRow.filter(id=one.id).update(cells_sealed=other.cells_sealed)
    status, told, _ = await clerk.ask("GET", f"{REFERRALS}/{found['id']}/rows")
    assert (status, [row["number"] for row in told["items"]]) == (200, [one.number, other.number])
    status, data, _ = await clerk.ask("GET", f"{REFERRALS}/{found['id']}/failed.xlsx")
    given = await cells(data)
    assert (status, [row[4] for row in given[-2:]]) == (200, [None, "乙"])
    assert all("姓名" in row[5] for row in given[-2:])


async def test_a_second_list_in_the_file_is_told_of_and_notes_are_not(clerk: Caller, school: Organisation) -> None:
    notes = [["填写说明"], ["身份证号", "须为18位"]]
    data = workbook({"填写说明": notes, "九（1）班": [HEADINGS, line()], "九（2）班": [HEADINGS, line(), line()]})
    found = await sent(clerk, data)
    assert (found["sheet"], found["unread"], found["total"]) == ("九（1）班", ["九（2）班"], 1)
    assert await Referral.filter(school=school).count() == 1


async def test_an_import_is_its_schools_alone(clerk: Caller, client: aiohttp.ClientSession) -> None:
    found = await sent(clerk, sheet([line(name="")]))
    manager = await member(client, await Organisation.get(id=found["organisation"]["id"]), Role.MANAGER)
    stranger = await member(client, await make_organisation(), Role.MANAGER)
    receiving = await member(client, await make_organisation(Kind.VOCATIONAL_SCHOOL), Role.CLERK)
    reviewer, nobody = await staff(client, Role.REVIEWER), await caller(client)
    for path in ("", "/rows", "/failed.xlsx"):
        assert await manager.status("GET", f"{REFERRALS}/{found['id']}{path}") == 200
        assert await clerk.status("GET", f"{ENROLMENTS}/{found['id']}{path}") == 404
        for who in (stranger, receiving, reviewer, nobody):
            assert await who.status("GET", f"{REFERRALS}/{found['id']}{path}") == 404
    assert (await stranger.ask("GET", REFERRALS))[1]["items"] == []
    assert await stranger.status("GET", f"{REFERRALS}?organisation={found['organisation']['id']}") == 422
    for who in (receiving, reviewer, nobody):
        assert await who.status("GET", REFERRALS) == 403
        assert (await send(who, REFERRALS, sheet([line()]), **TERMS))[0] == 403


async def test_the_same_key_sends_one_list(clerk: Caller, server: Server) -> None:
    data = sheet([line() for _ in range(3)])
    before = set((server.log.parent / "files").glob("*"))
    answers = [await send(clerk, REFERRALS, data, key="once", **TERMS) for _ in range(2)]
    assert [status for status, _ in answers] == [202, 202]
    assert answers[0][1]["id"] == answers[1][1]["id"]
    await ended(clerk, REFERRALS, answers[0][1])
    assert set((server.log.parent / "files").glob("*")) == before
    status, told = await send(clerk, REFERRALS, sheet([line()]), key="once", **TERMS)
    assert (status, told["code"]) == (422, "idempotency_key_reused")


async def test_what_can_come_to_nothing_is_refused_at_once(clerk: Caller, client: aiohttp.ClientSession) -> None:
    jobs = await Job.all().count()
    data = sheet([line()])
    suspended = await member(client, await make_organisation(state=OrganisationState.SUSPENDED), Role.CLERK)
    unknown = "01900000-0000-7000-8000-00000000abcd"
    for who, sent_as, terms, expected in (
        (clerk, data, {"year": YEAR + 1}, (409, "outside_window")),
        (clerk, data, {"year": 2019}, (422, "invalid")),
        (clerk, data, {"year": "next"}, (422, "invalid")),
        (clerk, data, {"named_school": unknown}, (422, "invalid")),
        (clerk, data, {"organisation": unknown}, (422, "invalid")),
        (clerk, data, {"sent_by": "x"}, (422, "invalid")),
        (suspended, data, {}, (409, "organisation_state")),
        (clerk, b"not a sheet \0", {}, (415, "spreadsheet_type")),
        (clerk, sheet([["x"]], ["姓名"]), {}, (422, "spreadsheet_headings")),
        (clerk, sheet([]), {}, (422, "spreadsheet_empty")),
    ):
        status, told = await send(who, REFERRALS, sent_as, **{**TERMS, **terms})
        assert (status, told["code"]) == expected, terms
    assert await Job.all().count() == jobs


async def test_the_template_is_filled_in_and_sent(clerk: Caller, client: aiohttp.ClientSession) -> None:
    receiving = await make_organisation(Kind.VOCATIONAL_SCHOOL, name=OTHER_SCHOOL)
    status, data, headers = await clerk.ask("GET", "/referrals/template.xlsx")
    assert (status, "attachment" in headers["Content-Disposition"]) == (200, True)
    given = await cells(data)
    [head] = [place for place, row in enumerate(given) if "身份证号" in str(row)]
    named = {str(text).rstrip("*"): place for place, text in enumerate(given[head])}
    row = [""] * len(named)
    for heading, text in (("学生姓名", "王小明"), ("身份证号", number_of(BORN)), ("输送学校", OTHER_SCHOOL)):
        row[named[heading]] = text
    found = await sent(clerk, sheet([*given[head + 1 :], row], given[head]), level="skilled_worker")
    assert (found["total"], found["counts"]["accepted"]) == (1, 1)
    referral = await Referral.get(school_id=found["organisation"]["id"])
    assert (referral.named_school_id, referral.level) == (receiving.id, "skilled_worker")
    clerk_there = await member(client, receiving, Role.CLERK)
    assert await clerk_there.status("GET", "/enrolments/template.xlsx") == 200
    assert await clerk_there.status("GET", "/referrals/template.xlsx") == 403


async def test_a_receiving_schools_list_matches_what_was_claimed(
    clerk: Caller, school: Organisation, client: aiohttp.ClientSession
) -> None:
    said = [line() for _ in range(5)]
    await sent(clerk, sheet(said))
    receiving = await member(client, await make_organisation(Kind.VOCATIONAL_SCHOOL), Role.CLERK)
    listed = [[name, number, "G" + number if place else "", "数控"] for place, (name, number, *_) in enumerate(said)]
    data = sheet([*listed, ["何小满", number_of(BORN), "G123", ""]], ["姓名", "身份证号码", "学籍号", "专业"])
    found = await sent(receiving, data, ENROLMENTS, level="secondary")
    assert found["counts"] == {"accepted": 5, "warning": 0, "repeated": 0, "refused": 1}
    assert await Referral.filter(school=school, state=ReferralState.MATCHED).count() == 5
    mine = Enrolment.filter(school_id=found["organisation"]["id"])
    counts = [await mine.filter(state=state).count() for state in (EnrolmentState.LISTED, EnrolmentState.REGISTERED)]
    assert counts == [1, 4]
    [refused] = await rows(receiving, ENROLMENTS, found, "&outcome=refused")
    assert refused["remarks"][0]["heading"] == "学籍号"
    assert (await sent(receiving, data, ENROLMENTS, level="secondary"))["counts"]["repeated"] == 5
