"""Lists, files, counts and timelines over HTTP: each school its own, nobody's number in full, nothing for strangers."""

import csv
import io
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from python_calamine import load_workbook
from tortoise.backends.base.client import BaseDBAsyncClient

from miniprogram_api.referral_lists import DuplicateView, ListedEnrolmentView
from miniprogram_api.referrals import ReferralView
from server.enrolments.models import EnrolmentState
from server.kernel import audit, clock
from server.kernel.audit import AuditEntry
from server.kernel.ids import new_id
from server.kernel.paging import Page
from server.organisations.models import Organisation
from server.organisations.roles import Kind, Role
from server.organisations.secretariat import secretariat
from server.referrals import counts, duplicates, enrolled, lists, timeline
from server.referrals.duplicates import Same
from server.referrals.models import Referral, ReferralState
from server.students.models import LinkState, Relation, StudentLink
from tests.factories import make_member, make_organisation, make_person, make_token
from tests.harness import statements
from tests.harness.referring import GUARDIAN_PHONE, NAME, PHONE, make_claim, make_listed, make_student, sealed_link

YEAR = 2033
FULL_NUMBER = re.compile(r"\d{16}[\dX]")


class World:
    """Two feeder schools that claim one student, a college that has another, and all who look."""

    schools: list[Organisation]
    college: Organisation
    live: Referral
    disputed: Referral
    matched: Referral
    tokens: dict[str, str]


@pytest.fixture(scope="module")
async def world(database: BaseDBAsyncClient) -> World:
    assert database
    made, now = World(), clock.now()
    made.schools = [await make_organisation(region="340802"), await make_organisation(name="山坳中学（示例）")]
    made.college = await make_organisation(Kind.VOCATIONAL_SCHOOL, name="滨江职校（示例）", region="340803")
    student = await make_student()
    made.live = await make_claim(made.schools[0], student, year=YEAR, named_school=made.college, class_name="=1+1")
    made.disputed = await make_claim(
        made.schools[1], student, year=YEAR, state=ReferralState.DISPUTED, needs_check=True,
        flags=["name_unlike_known"], state_since=now - timedelta(days=9),
    )  # fmt: skip
    listed = await make_listed(made.college, year=YEAR, state=EnrolmentState.REGISTERED)
    made.matched = await make_claim(
        made.schools[0], year=YEAR, state=ReferralState.MATCHED, enrolment=listed, student_id=listed.student_id
    )
    callers = {f"clerk-{n}": (await make_member(school, Role.CLERK)).person_id for n, school in enumerate(made.schools)}
    callers["registrar"] = (await make_member(made.college, Role.CLERK)).person_id
    enterprise = await make_organisation(Kind.ENTERPRISE)
    callers["recruiter"] = (await make_member(enterprise, Role.MANAGER)).person_id
    for role in (Role.REVIEWER, Role.EDITOR, Role.ADMIN):
        callers[role] = (await make_member(await secretariat(), role)).person_id
    for name, state in (("guardian", LinkState.CONFIRMED), ("pretender", LinkState.REQUESTED)):
        callers[name] = (await make_person()).id
        await StudentLink.create(
            **sealed_link(), person_id=callers[name], student=student, relation=Relation.GUARDIAN, state=state,
            created_at=now,
        )  # fmt: skip
    made.tokens = {name: await make_token(person_id) for name, person_id in callers.items()}
    await history(made, callers)
    return made


async def history(world: World, callers: dict[str, Any]) -> None:
    subject = f"referral:{world.live.id}"
    await audit.note(subject, "referral.registered", actor_id=callers["clerk-0"], after="registered")
    await audit.note(subject, "referral.disputed", actor_id=callers["clerk-1"], reason="本校也登记了")
    await audit.note(subject, "referral.upheld", actor_id=callers["reviewer"], reason="材料属实")
    other = f"referral:{world.disputed.id}"
    await audit.note(other, "referral.registered", actor_id=callers["clerk-1"], after="disputed")


async def ask(client: aiohttp.ClientSession, world: World, name: str, path: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {world.tokens[name]}"}
    async with client.get(f"/api/v1{path}", headers=headers) as answer:
        body = await answer.read()
        return answer.status, await answer.json() if answer.content_type.endswith("json") else body


async def numbers(client: aiohttp.ClientSession, world: World, name: str, query: str = "") -> list[str]:
    status, found = await ask(client, world, name, f"/referrals?year={YEAR}{query}")
    assert status == 200, found
    return [one["number"] for one in found["items"]]


async def test_a_school_sees_its_own_claims_and_the_secretariat_all(
    client: aiohttp.ClientSession, world: World
) -> None:
    live, disputed, matched = world.live.number, world.disputed.number, world.matched.number
    assert await numbers(client, world, "clerk-0") == [matched, live]
    assert await numbers(client, world, "clerk-1") == [disputed]
    assert await numbers(client, world, "clerk-1", f"&school={world.schools[0].id}") == []
    for staff in ("reviewer", "editor", "admin"):
        assert await numbers(client, world, staff) == [matched, disputed, live]
    for name in ("registrar", "recruiter", "guardian"):
        assert (await ask(client, world, name, "/referrals"))[0] == 403
    for query, expected in {
        "&in_dispute=true": [disputed, live],
        "&needs_check=true": [disputed],
        "&state=matched": [matched],
        "&region=340802": [matched, live],
        f"&q={live.lower()}": [live],
        "&waiting_days=9": [disputed],
        "&sort=waiting": [disputed, live, matched],
        f"&named_school={world.college.id}": [live],
    }.items():
        assert await numbers(client, world, "reviewer", query) == expected, query
    _, found = await ask(client, world, "clerk-0", f"/referrals?year={YEAR}")
    assert NAME not in str(found)
    assert world.schools[1].name not in str(found)


async def test_a_list_is_paged_and_refuses_what_it_does_not_know(client: aiohttp.ClientSession, world: World) -> None:
    for order in ("newest", "waiting"):
        seen, cursor = list[str](), ""
        for _ in range(3):
            path = f"/referrals?year={YEAR}&limit=1&sort={order}{cursor}"
            _, found = await ask(client, world, "reviewer", path)
            seen += [one["number"] for one in found["items"]]
            cursor = f"&cursor={found['next_cursor']}"
        assert found["next_cursor"] is None
        assert seen == await numbers(client, world, "reviewer", f"&sort={order}")
    for bad in ("color=red", "state=gone", "year=1", "region=x", "q=%27", "waiting_days=-1", "format=pdf", "school=1"):
        status, found = await ask(client, world, "reviewer", f"/referrals?{bad}")
        assert (status, [one["pointer"] for one in found["errors"]]) == (422, [f"?{bad.partition('=')[0]}"]), bad


async def test_enrolments_are_listed_to_their_school(client: aiohttp.ClientSession, world: World) -> None:
    for name in ("registrar", "reviewer"):
        status, found = await ask(client, world, name, f"/enrolments?year={YEAR}&matched=true")
        assert (status, [one["state"] for one in found["items"]]) == (200, ["registered"])
        assert found["items"][0]["matched"] is True
    for name in ("clerk-0", "guardian"):
        assert (await ask(client, world, name, "/enrolments"))[0] == 403


async def test_files_show_what_the_list_shows_and_who_took_it(client: aiohttp.ClientSession, world: World) -> None:
    for form in ("csv", "xlsx"):
        status, found = await ask(client, world, "clerk-0", f"/referrals?year={YEAR}&format={form}")
        assert status == 200
        rows = as_rows(form, found)
        assert "共2行" in rows[0][0]
        assert world.schools[0].name in rows[0][0]
        assert rows[1][:2] == ["编号", "状态"]
        assert [row[0] for row in rows[2:]] == [world.matched.number, world.live.number]
        text = str(rows)
        assert not FULL_NUMBER.search(text)
        assert not any(value in text for value in (NAME, PHONE, GUARDIAN_PHONE))
        assert world.schools[1].name not in text
        assert rows[3][7] == ("'=1+1" if form == "csv" else "=1+1")
    entry = await AuditEntry.filter(action="list.exported").order_by("-id").first()
    assert entry
    assert (entry.after, entry.fields) == ("xlsx", ["referrals"])


def as_rows(form: str, data: bytes) -> list[list[str]]:
    if form == "csv":
        return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    return [[str(cell) for cell in row] for row in load_workbook(io.BytesIO(data)).get_sheet_by_index(0).to_python()]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("registrar", "/enrolments"),
        ("reviewer", "/organisations"),
        ("reviewer", "/students/links"),
        ("reviewer", "/organisations/{school}/members"),
        ("reviewer", "/appeals"),
        ("reviewer", f"/referrals/summary?year={YEAR}&by=school"),
        ("reviewer", "/audit?subject=referral:{referral}"),
        ("clerk-0", "/referrals/{referral}/history"),
        ("reviewer", "/students/{student}/timeline"),
        ("guardian", "/reveals?subject=student:{student}"),
    ],
)
async def test_every_list_of_staff_and_schools_can_be_had_as_a_file(
    client: aiohttp.ClientSession, world: World, name: str, path: str
) -> None:
    ids = {"referral": world.live.id, "student": world.live.student_id}
    asked = path.format(school=world.schools[0].id, **ids)
    for form in ("csv", "xlsx"):
        status, found = await ask(client, world, name, f"{asked}{'&' if '?' in asked else '?'}format={form}")
        assert status == 200, found
        rows = as_rows(form, found)
        assert "共" in rows[0][0]
        assert len(rows[1]) > 3
        assert not FULL_NUMBER.search(str(rows))
        assert not any(value in str(rows) for value in (NAME, PHONE, GUARDIAN_PHONE))


async def test_a_history_as_a_file_tells_a_school_no_more_than_the_list(
    client: aiohttp.ClientSession, world: World
) -> None:
    status, found = await ask(client, world, "clerk-0", f"/referrals/{world.live.id}/history?format=csv")
    rows = as_rows("csv", found)
    assert (status, [row[3] for row in rows[2:]]) == (
        200, ["学校登记了生源输送", "另有学校登记了这名学生，产生争议", "秘书处认定了这份登记"],
    )  # fmt: skip
    assert [row[7:] for row in rows[2:]] == [["本校", ""], ["其他单位或个人", ""], ["秘书处", "材料属实"]]
    assert rows[2][5] == "已登记"


async def test_a_file_that_is_refused_was_not_taken(client: aiohttp.ClientSession, world: World) -> None:
    taken = AuditEntry.filter(action="list.exported")
    before = await taken.count()
    for name, path, expected in (
        ("pretender", f"/reveals?subject=student:{world.live.student_id}", 404),
        ("clerk-0", f"/audit?subject=student:{world.live.student_id}", 403),
    ):
        assert (await ask(client, world, name, f"{path}&format=csv"))[0] == expected
    assert await taken.count() == before


async def test_counts_are_for_its_people_and_the_secretariat(client: aiohttp.ClientSession, world: World) -> None:
    path = f"/organisations/{world.schools[0].id}/summary?year={YEAR}"
    for name in ("clerk-0", "editor"):
        status, found = await ask(client, world, name, path)
        assert status == 200
        counted = found["referrals"]
        assert (counted["total"], counted["in_dispute"], counted["by_state"]["matched"]) == (2, 1, 1)
        assert counted["by_state"].keys() == set(ReferralState)
    assert (await ask(client, world, "clerk-1", path))[0] == 404
    found = (await ask(client, world, "registrar", f"/organisations/{world.college.id}/summary?year={YEAR}"))[1]
    assert (found["enrolments"]["total"], found["enrolments"]["matched"]) == (1, 1)
    for by, names in {
        "school": {world.schools[0].name: 2, world.schools[1].name: 1},
        "county": {"迎江区": 2, None: 1},
        "state": {"已登记": 1, "有争议": 1, "已匹配": 1},
        "age": {"7天以内": 2, "8至30天": 1},
        "intake": {"秋季": 3},
    }.items():
        status, found = await ask(client, world, "editor", f"/referrals/summary?year={YEAR}&by={by}")
        assert (status, {one["name"]: one["total"] for one in found["items"]}) == (200, names)
    for name in ("clerk-0", "registrar", "guardian"):
        assert (await ask(client, world, name, f"/referrals/summary?year={YEAR}"))[0] == 403


async def test_a_history_tells_a_school_nothing_of_the_other(client: aiohttp.ClientSession, world: World) -> None:
    path = f"/referrals/{world.live.id}/history"
    status, found = await ask(client, world, "clerk-0", path)
    assert status == 200
    assert [(one["action"], one["by"], one["reason"]) for one in found["items"]] == [
        ("referral.registered", "school", ""),
        ("referral.disputed", "other", ""),
        ("referral.upheld", "secretariat", "材料属实"),
    ]
    assert found["items"][1]["text"] == "另有学校登记了这名学生，产生争议"
    assert {one["actor_id"] for one in found["items"]} == {None}
    _, of_staff = await ask(client, world, "reviewer", path)
    assert of_staff["items"][1]["reason"] == "本校也登记了"
    assert None not in {one["actor_id"] for one in of_staff["items"]}
    for name in ("clerk-1", "registrar", "guardian"):
        assert (await ask(client, world, name, path))[0] == 404


async def test_a_timeline_is_for_who_speaks_for_the_student(client: aiohttp.ClientSession, world: World) -> None:
    path = f"/students/{world.live.student_id}/timeline"
    for name in ("guardian", "editor"):
        status, found = await ask(client, world, name, path)
        assert (status, len(found["items"])) == (200, 4)
        assert {one["school"]["name"] for one in found["items"]} == {school.name for school in world.schools}
        assert (found["items"][0]["actor_id"] is None) == (name == "guardian")
    absent = await ask(client, world, "pretender", f"/students/{new_id()}/timeline")
    for name in ("pretender", "clerk-0", "recruiter"):
        hidden = await ask(client, world, name, path)
        assert hidden[0] == absent[0] == 404
        assert hidden[1] | {"request_id": ""} == absent[1] | {"request_id": ""}


async def test_reviewers_see_groups_of_claims(client: aiohttp.ClientSession, world: World) -> None:
    path = f"/referrals/duplicates?year={YEAR}"
    status, found = await ask(client, world, "reviewer", path)
    assert status == 200
    assert [[claim["number"] for claim in group["referrals"]] for group in found["items"]] == [
        [world.live.number, world.disputed.number]
    ]
    found = (await ask(client, world, "reviewer", f"{path}&same=phone"))[1]
    assert [len(group["referrals"]) for group in found["items"]] == [3]
    for name in ("clerk-0", "editor", "admin"):
        assert (await ask(client, world, name, path))[0] == 403


LISTS: list[tuple[str, Callable[[int], Awaitable[Page[Any]]], int]] = [
    ("referrals", lambda limit: lists.referrals(lists.Wanted(YEAR), None, lists.Order.NEWEST, limit, None), 1),
    ("enrolments", lambda limit: enrolled.enrolments(enrolled.Wanted(YEAR), None, limit, None), 1),
    ("duplicates", lambda limit: duplicates.groups(YEAR, Same.PHONE, limit, None), 2),
]


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(("name", "fetch", "most"), LISTS)
async def test_a_list_takes_as_many_statements_however_long_it_is(
    name: str, fetch: Callable[[int], Awaitable[Page[Any]]], most: int
) -> None:
    views: dict[str, Callable[[Any], Any]] = {
        "referrals": ReferralView.of,
        "enrolments": ListedEnrolmentView.listed,
        "duplicates": DuplicateView.of,
    }
    for limit in (1, 100):
        with statements.sent() as seen:
            found = await fetch(limit)
        assert [views[name](item) for item in found.items]
        assert len(seen) == most, seen


async def test_timelines_and_counts_take_as_many_statements_however_much_there_is(world: World) -> None:
    asked: dict[int, Callable[[int], Awaitable[Any]]] = {
        8: lambda limit: timeline.of_student(world.live.student_id, limit, None),
        6: lambda limit: timeline.of_referral(world.live.id, limit, None),
        5: lambda _: counts.of_school([world.schools[0].id], YEAR),
        3: lambda _: counts.over_all(YEAR, counts.By.SCHOOL),
    }
    for most, ask_for in asked.items():
        for limit in (1, 100):
            with statements.sent() as seen:
                await ask_for(limit)
            assert len(seen) <= most, seen
