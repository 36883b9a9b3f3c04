"""Every list of staff and schools as a file: what stands in it is what people call things, and no cell is a formula."""

import csv
import io
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from python_calamine import load_workbook

from server.appeals.models import Appeal
from server.awards.models import (
    AwardRun,
    AwardSample,
    AwardState,
    Objection,
    Publication,
    PublicationFigure,
    RunKind,
    RunState,
)
from server.imports.models import Import, ImportKind, ImportState
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.ids import new_id
from server.kernel.sensitive import Kind as Sealed
from server.labour.models import PayUnit, PostingState
from server.organisations.models import Organisation
from server.organisations.roles import Kind, Role
from server.people.models import Person
from tests.factories import make_delivery, make_notice, make_organisation, make_person, make_posting
from tests.harness.awarding import make_award as make_claimed
from tests.harness.callers import Caller, caller, member, staff
from tests.harness.referring import GUARDIAN_PHONE, NAME, PHONE, make_claim, sealed
from tests.statements.paying_world import FAILED, world

pytestmark = pytest.mark.usefixtures("database")
FORMULA = "=1+1（示例）"
TITLE = "生源地学校输送学生奖励"
YEAR = 2026
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|[a-z_]+\.[a-z_]+|[a-z]+:")
"""What no cell holds but one that says so: an id, or a code."""


class Office:
    """Somebody in each role, one thing of each kind, and the ids that paths take."""

    def __init__(self) -> None:
        self.who: dict[str, Caller] = {}
        self.ids: dict[str, Any] = {}

    async def file(self, who: str, path: str, form: str) -> list[list[str]]:
        asked = path.format(**self.ids)
        status, found, _ = await self.who[who].ask("GET", f"{asked}{'&' if '?' in asked else '?'}format={form}")
        assert status == 200, found
        if form == "csv":
            return list(csv.reader(io.StringIO(found.decode("utf-8-sig"))))
        sheet = load_workbook(io.BytesIO(found)).get_sheet_by_index(0)
        return [[str(cell) for cell in row] for row in sheet.to_python()]


@pytest.fixture(scope="module")
async def office(client: aiohttp.ClientSession) -> Office:
    made = Office()
    for role in (Role.REVIEWER, Role.APPROVER, Role.FINANCE, Role.EDITOR):
        made.who[role.value] = await staff(client, role)
    school = await make_organisation(name=FORMULA)
    firm = await make_organisation(Kind.ENTERPRISE, name="澄江茶业有限公司（示例）")
    college = await make_organisation(Kind.VOCATIONAL_SCHOOL)
    for name, organisation in (("clerk", school), ("firm", firm), ("college", college)):
        made.who[name] = await member(client, organisation, Role.CLERK)
    made.who["objector"] = await caller(client)
    made.ids["statement"] = await _statement()
    await _awards(made, school)
    await _claims(school, await make_organisation(name="山坳中学（示例）"))
    for kind, sender in ((ImportKind.REFERRAL, school), (ImportKind.ENROLMENT, college)):
        await _import(kind, sender)
    for state in (PostingState.LIVE, PostingState.REMOVED):
        values = {"pay_fen": 2050, "pay_unit": PayUnit.HOUR, "person_id": made.who["firm"].person_id}
        await make_posting(title=FORMULA, state=state, organisation=firm, **values)
    await _delivery()
    return made


async def _statement() -> UUID:
    here = await world()
    here.fund.name = FORMULA
    await here.fund.save(update_fields=["name"])
    for matter in ("招生宣传", FORMULA):
        await here.awards(1, matter=matter)
    one = await here.send(await here.locked(0))
    await here.settle(one, {2: FAILED})
    return one.id


async def _awards(made: Office, school: Organisation) -> None:
    now, today = clock.now(), clock.today()
    said: dict[str, Any] = {"programme": "feeder-referral", "year": YEAR}
    await AwardSample.create(**said, seed="a1b2", population=40, size=2, drawn_by_id=new_id(), drawn_at=now)
    publication = await Publication.create(
        **said, starts_on=today, ends_on=today + timedelta(days=5), made_by_id=new_id(), made_at=now
    )
    await PublicationFigure.create(publication=publication, payee=school, awards=2, amount_fen=100050)
    claim = await make_claim(school, phone="13956612347")
    award = await make_claimed(claim, publication_id=publication.id, state=AwardState.PUBLICISED)
    made.ids |= {"claim": claim.number, "award": award.id}
    by = made.who["objector"].person_id
    await Objection.create(
        publication=publication, payee=school, award=award, person_id=by, reason=FORMULA, created_at=now
    )
    await AwardRun.create(
        kind=RunKind.REVIEW, chosen=said, reason=FORMULA, actor_id=new_id(), state=RunState.DONE, total=3, done=3,
        counts={"reviewed": 1, "already_awarded": 1, "award_state": 1}, created_at=now, ended_at=now,
    )  # fmt: skip
    for subject in (f"award:{award.id}", f"organisation:{school.id}"):
        await Appeal.create(subject=subject, refusal_id=new_id(), person_id=by, reason=FORMULA, created_at=now)


async def _claims(one: Organisation, other: Organisation) -> None:
    """Make claims of two schools with one phone in them."""
    for school in (one, other):
        await make_claim(school, year=YEAR, class_name=FORMULA)


async def _import(kind: ImportKind, sender: Organisation) -> None:
    now = clock.now()
    terms = {"year": YEAR, "intake": "autumn", "level": "secondary", "named_school": None, "unread": []}
    await Import.create(
        kind=kind, organisation=sender, person_id=new_id(), terms=terms, sheet=FORMULA, headings=[], ignored=[],
        state=ImportState.DONE, total=5, done=5, accepted=3, refused=2, created_at=now, ended_at=now,
    )  # fmt: skip


async def _delivery() -> None:
    person = await make_person(id=(id_ := new_id()))
    await Person.filter(id=id_).update(**sealed("person", id_, "name", Sealed.NAME, NAME))
    await make_delivery(await make_notice(person.id, kind="referral.unmatched.school", title=FORMULA), "x")


LISTS: Mapping[str, tuple[str, str, list[str], list[str]]] = {
    "statement": (
        "finance",
        "/statements/{statement}/rows",
        ["行号", "登记编号或事项", "金额（元）", "结果", "原因", "时间"],
        ["2", FORMULA, "500", "支付失败", FAILED[1]],
    ),
    "objections": (
        "reviewer",
        "/awards/objections",
        ["项目", "年度", "学校", "登记编号或事项", "异议内容", "状态", "提出时间", "决定理由", "决定时间"],
        [TITLE, "2026", FORMULA, "{claim}", FORMULA, "等待决定"],
    ),
    "publications": (
        "finance",
        "/awards/publications",
        ["项目", "年度", "公示开始", "公示截止", "学校", "笔数", "金额（元）"],
        [TITLE, "2026", FORMULA, "2", "1000.50"],
    ),
    "runs": (
        "reviewer",
        "/awards/runs?kind=review",
        ["办理", "项目", "年度", "进度", "总数", "已看", "结果", "理由", "经办人编号", "开始时间", "结束时间"],
        ["初审", TITLE, "已办完", FORMULA],
    ),
    "samples": (
        "editor",
        "/awards/samples",
        ["项目", "年度", "总笔数", "抽中笔数", "待复核笔数", "抽取时间", "随机种子"],
        [TITLE, "2026", "40", "2", "0", "a1b2"],
    ),
    "duplicates": (
        "reviewer",
        f"/referrals/duplicates?year={YEAR}&same=phone",
        ["同组首份编号", "编号", "状态", "年度", "招生季", "姓名", "身份证号", "登记学校", "班级"],
        ["已登记", "秋季", FORMULA],
    ),
    **{
        name: (
            who,
            f"/{name}/imports",
            ["学校", "工作表", "年度", "招生季", "层次", "状态", "总行数", "已处理行数", "收下"],
            [FORMULA, "秋季", "中职", "已处理完", "5", "3"],
        )
        for name, who in (("referrals", "clerk"), ("enrolments", "college"))
    },
    "funds": (
        "editor", "/funds", ["资金渠道", "依据", "项目", "设立时间"], [FORMULA, TITLE],
    ),
    **{
        f"postings {query}": (
            who,
            f"/postings?{query}",
            ["标题", "单位", "招工或求职", "类型", "县区", "人数", "开始日期", "结束日期", "有效至", "状态"],
            [FORMULA, "澄江茶业有限公司（示例）", "招工", "短期用工", "已下架", "20.50", "小时"],
        )
        for who, query in (("firm", "mine=true"), ("reviewer", "state=removed"))
    },
    "appeals": (
        "approver",
        "/appeals",
        ["事项", "状态", "理由", "提出时间", "答复", "答复时间"],
        ["奖补审核：{claim}", "待答复", FORMULA],
    ),
    "deliveries": (
        "editor", "/deliveries", ["通知", "种类", "收件人"], [FORMULA, "生源登记未匹配", "***尾"],
    ),
}  # fmt: skip
"""Of each list: who takes it, where it is, with which headings it begins, and what stands in one of its rows."""


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("name", LISTS)
async def test_a_list_can_be_had_as_a_file(office: Office, name: str, form: str) -> None:
    who, path, headings, cells = LISTS[name]
    mark, first, *rows = await office.file(who, path, form)
    assert f"共{len(rows)}行" in mark[0]
    assert first[: len(headings)] == headings
    safe = f"'{FORMULA}" if form == "csv" else FORMULA
    wanted = {safe if cell == FORMULA else cell.format(**office.ids) for cell in cells}
    assert any(wanted <= set(row) for row in rows), (wanted, rows)
    plain = [cell for row in rows for head, cell in zip(first, row, strict=True) if not head.endswith(("编号", "种子"))]
    assert not [cell for cell in plain if ID.search(cell)]
    assert not any(value in str(rows) for value in (NAME, PHONE, GUARDIAN_PHONE))
    entry = await AuditEntry.filter(action="list.exported").order_by("-id").first()
    assert entry
    assert (entry.after, entry.actor_id) == (form, office.who[who].person_id)


async def test_what_anyone_may_read_is_a_file_for_who_is_signed_in_only(
    office: Office, client: aiohttp.ClientSession
) -> None:
    async with client.get("/api/v1/awards/publications?format=csv") as answer:
        assert answer.status == 401
    assert len(await office.file("objector", "/awards/publications", "csv")) == 3
    [one] = (await office.who["objector"].ask("GET", "/awards/publications"))[1]["items"]
    assert [said["school"]["name"] for said in one["schools"]] == [FORMULA]
