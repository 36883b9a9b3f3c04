"""Who may see what in full, that each look leaves its trace, and who sees the traces."""

import json
from typing import Any

import aiohttp
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.organisations.models import Membership, MembershipState, PayeeAccount
from server.organisations.roles import Role
from server.organisations.secretariat import secretariat
from server.reveals import service
from server.reveals.subjects import KINDS
from server.students.models import LinkState, Relation, StudentLink
from tests.factories import make_member, make_organisation, make_person, make_token
from tests.harness.referring import GUARDIAN, GUARDIAN_PHONE, make_claim
from tests.harness.revealing import (
    ACCOUNT,
    CONTACT,
    NAME,
    NUMBER,
    PHONE,
    PUPIL,
    REASON,
    RECORD,
    REVEALS,
    World,
    ask,
    build,
    look,
    looks,
    make_student,
)


@pytest.fixture(scope="module")
async def world(database: BaseDBAsyncClient) -> World:
    assert database
    return await build()


FULL = [
    ("person", "reviewer", {"name": NAME, "phone": PHONE}),
    ("person", "admin", {"phone": PHONE}),
    ("student", "reviewer", {"name": NAME, "id_number": NUMBER}),
    ("student_link", "reviewer", {"name": NAME}),
    ("organisation", "reviewer", {"contact_name": CONTACT}),
    ("payee_account", "finance", {"number": ACCOUNT}),
    ("referral", "reviewer", {"name": NAME, "id_number": PUPIL, "phone": PHONE}),
    ("referral", "clerk", {"id_number": PUPIL, "guardian_name": GUARDIAN, "guardian_phone": GUARDIAN_PHONE}),
    ("referral", "manager", {"phone": PHONE}),
    ("enrolment", "reviewer", {"name": NAME, "id_number": PUPIL, "record_number": RECORD}),
    ("enrolment", "registrar", {"record_number": RECORD}),
]
ROLES = {"registrar": "manager"}
SCHOOLS = {"clerk", "manager", "registrar"}
CONCERNED = {"person": "person", "student": "guardian", "student_link": "guardian", "enrolment": "registrar"}


@pytest.mark.parametrize(("kind", "role", "values"), FULL)
async def test_a_look_shows_the_value_and_leaves_its_trace(
    client: aiohttp.ClientSession, world: World, kind: str, role: str, values: dict[str, str]
) -> None:
    subject = world.subject(kind)
    status, found = await look(client, world.tokens[role], subject, *values)
    assert (status, found["subject"], found["values"]) == (201, subject, values)
    entry = await AuditEntry.get(id=found["id"])
    assert (entry.subject, entry.action, entry.after, entry.reason) == (
        subject,
        f"{kind}.revealed",
        ROLES.get(role, role),
        REASON,
    )
    assert (entry.actor_id, entry.fields) == (world.ids[role], sorted(values))
    assert not any(value in entry.content.decode() for value in values.values())
    told = await Event.filter(name=f"{kind}.revealed", subject=subject).order_by("-id").first()
    assert told
    assert told.people == [str(world.ids[CONCERNED.get(kind, "manager")])]


async def test_what_was_never_given_is_null(client: aiohttp.ClientSession, world: World) -> None:
    subject = f"person:{world.ids['stranger']}"
    status, found = await look(client, world.tokens["admin"], subject, "phone")
    assert (status, found["values"]) == (201, {"phone": None})


async def test_nobody_looks_at_a_kind_that_is_not_their_business(client: aiohttp.ClientSession, world: World) -> None:
    """Every caller at every kind but those of the table."""
    allowed = {(kind, role) for kind, role, _ in FULL}
    before = await AuditEntry.all().count()
    for kind, found in KINDS.items():
        for name, token in world.tokens.items():
            if (kind, name) not in allowed:
                status, _ = await look(client, token, world.subject(kind), *list(found.fields)[:1])
                others = name in SCHOOLS and kind in {"referral", "enrolment"}
                assert status == (404 if others else 403), (kind, name)
    assert await AuditEntry.all().count() == before


async def test_every_field_at_fault_is_named(client: aiohttp.ClientSession, world: World) -> None:
    token, subject = world.tokens["reviewer"], world.subject("student")
    status, found = await look(client, token, subject, "phone", "name", "name", "id_number_sealed")
    assert status == 422
    assert {fault["pointer"] for fault in found["errors"]} == {"/fields/0", "/fields/2", "/fields/3"}
    assert "name、id_number" in found["errors"][0]["detail"]
    for bad in ("student", "student:", "student:x", f"membership:{new_id()}", f"STUDENT:{world.student.id}", "a:b:c"):
        status, found = await look(client, token, bad, "name")
        assert (status, [fault["pointer"] for fault in found["errors"]]) == (422, ["/subject"]), bad
    faulty: tuple[dict[str, Any], ...] = (
        {"fields": []},
        {"reason": " "},
        {"reason": "理" * 501},
        {"fields": "name"},
        {"fields": ["name"] * 11},
    )
    for more in faulty:
        assert (await look(client, token, subject, "name", **more))[0] == 422, more
    assert (await look(client, token, f"student:{new_id()}", "name"))[0] == 404


async def test_nobody_looks_at_their_own_or_at_what_they_belong_to(client: aiohttp.ClientSession, world: World) -> None:
    """By export one sees one's own; two memberships are no way around four eyes."""
    office = await secretariat()
    both = await make_person()
    await make_member(office, Role.REVIEWER, both)
    left = await make_member(world.school, Role.MANAGER, both)
    left.ended_at = clock.now()
    await left.save()
    finance = (await make_member(office, Role.FINANCE)).person
    account = await PayeeAccount.get(id=world.account.id)
    own = await make_student(both, Relation.SELF, "340802201001011244")
    tried = [
        (both, f"person:{both.id}", "phone"),
        (both, f"person:{world.ids['admin']}", "phone"),
        (both, f"student:{own.id}", "id_number"),
        (both, world.subject("organisation"), "contact_name"),
    ]
    for person, subject, field in tried:
        status, found = await look(client, await make_token(person.id), subject, field)
        assert (status, found["code"]) == (403, "reveal_of_own"), subject
    await PayeeAccount.filter(id=account.id).update(named_by_id=finance.id)
    token = await make_token(finance.id)
    assert (await look(client, token, world.subject("payee_account"), "number"))[1]["code"] == "reveal_of_own"
    await PayeeAccount.filter(id=account.id).update(named_by_id=account.named_by_id)
    assert (await look(client, token, world.subject("payee_account"), "number"))[0] == 201


async def test_who_was_ever_a_colleague_does_not_look(client: aiohttp.ClientSession) -> None:
    """Whichever of the two has left; but that a person asks to join keeps nobody of an organisation from looking."""
    office, school = await secretariat(), await make_organisation()
    by, person = await make_person(), await make_person()
    await make_member(office, Role.REVIEWER, by)
    memberships = [await make_member(school, Role.CLERK, one) for one in (by, person)]
    token, subject = await make_token(by.id), f"person:{person.id}"
    for ended in ([], memberships[:1], memberships[1:], memberships):
        await Membership.filter(organisation=school).update(ended_at=None)
        await Membership.filter(id__in=[one.id for one in ended]).update(ended_at=clock.now())
        assert (await look(client, token, subject, "phone"))[1]["code"] == "reveal_of_own"
    await Membership.filter(id=memberships[1].id).update(state=MembershipState.REQUESTED)
    assert (await look(client, token, subject, "phone"))[0] == 201


async def test_those_concerned_see_who_looked_but_not_by_name(client: aiohttp.ClientSession, world: World) -> None:
    for kind in KINDS:
        name = CONCERNED.get(kind, "manager")
        field = next(iter(KINDS[kind].fields))
        role = str(KINDS[kind].roles[0])
        await look(client, world.tokens[role], world.subject(kind), field)
        status, found = await looks(client, world.tokens[name], world.subject(kind))
        assert status == 200, kind
        newest = found["items"][0]
        assert (newest["role"], newest["reason"], newest["fields"]) == (role, REASON, [field])
        assert (newest["office"], newest["person_id"]) == ("安庆职业教育集团秘书处", None)
        assert str(world.ids[role]) not in json.dumps(found)
        _, of_admin = await looks(client, world.tokens["admin"], world.subject(kind))
        assert of_admin["items"][0]["person_id"] == str(world.ids[role])
        for other in set(world.tokens) - {name, "admin"}:
            status, refused = await looks(client, world.tokens[other], world.subject(kind))
            staff = other in {"reviewer", "finance", "editor", "approver"}
            colleague = other == "clerk" and name == "manager"
            assert status == (403 if staff or colleague else 404), (kind, other)
            assert "items" not in refused


async def test_a_school_looks_at_its_own_claims_and_those_concerned_see_which_school_it_was(
    client: aiohttp.ClientSession, world: World
) -> None:
    """Neither who left, nor a clerk whose own child it is, nor a reviewer who once belonged to the school."""
    subject = world.subject("referral")
    assert (await look(client, world.tokens["clerk"], subject, "phone"))[0] == 201
    _, found = await looks(client, world.tokens["manager"], subject)
    assert (found["items"][0]["role"], found["items"][0]["office"]) == ("clerk", world.school.name)
    hidden = await look(client, world.tokens["registrar"], subject, "phone")
    absent = await look(client, world.tokens["registrar"], f"referral:{new_id()}", "phone")
    assert hidden[0] == absent[0] == 404
    assert hidden[1] | {"request_id": ""} == absent[1] | {"request_id": ""}
    both = await make_person()
    left = await make_member(world.school, Role.CLERK, both)
    await make_member(await secretariat(), Role.REVIEWER, both)
    assert (await look(client, await make_token(both.id), subject, "phone"))[0] == 201
    await Membership.filter(id=left.id).update(ended_at=clock.now())
    assert (await look(client, await make_token(both.id), subject, "phone"))[1]["code"] == "reveal_of_own"
    parent = (await make_member(world.school, Role.CLERK)).person
    child = await make_student(parent, Relation.GUARDIAN, "340802201001011260")
    claim = await make_claim(world.school, child)
    token = await make_token(parent.id)
    assert (await look(client, token, f"referral:{claim.id}", "phone"))[1]["code"] == "reveal_of_own"
    assert (await look(client, token, subject, "phone"))[0] == 201


async def test_what_is_not_theirs_looks_like_what_is_not_there(client: aiohttp.ClientSession, world: World) -> None:
    token = world.tokens["stranger"]
    for kind in KINDS:
        hidden, absent = [(await looks(client, token, one)) for one in (world.subject(kind), f"{kind}:{new_id()}")]
        assert [status for status, _ in (hidden, absent)] == [404, 404]
        assert hidden[1] | {"request_id": ""} == absent[1] | {"request_id": ""}
    assert (await ask(client, token, "GET", REVEALS))[0] == 422
    assert (await looks(client, token, "person"))[0] == 422


@pytest.mark.usefixtures("database")
async def test_a_link_that_has_ended_shows_no_more(client: aiohttp.ClientSession) -> None:
    guardian = await make_person()
    student = await make_student(guardian, Relation.GUARDIAN, "340802201901011252")
    token, subject = await make_token(guardian.id), f"student:{student.id}"
    assert (await looks(client, token, subject))[0] == 200
    await StudentLink.filter(student=student).update(state=LinkState.REQUESTED)
    assert (await looks(client, token, subject))[0] == 404
    await StudentLink.filter(student=student).update(state=LinkState.CONFIRMED, ended_at=clock.now())
    assert (await looks(client, token, subject))[0] == 404


async def test_looks_are_paged(client: aiohttp.ClientSession, world: World) -> None:
    subject = f"person:{(await make_person()).id}"
    made = [(await look(client, world.tokens["admin"], subject, "name"))[1]["id"] for _ in range(3)]
    _, first = await ask(client, world.tokens["admin"], "GET", f"{REVEALS}?subject={subject}&limit=2")
    cursor = first["next_cursor"]
    _, rest = await ask(client, world.tokens["admin"], "GET", f"{REVEALS}?subject={subject}&limit=2&cursor={cursor}")
    assert [item["id"] for page in (first, rest) for item in page["items"]] == made[::-1]
    assert rest["next_cursor"] is None


async def test_thirty_looks_in_an_hour_are_the_most(client: aiohttp.ClientSession, world: World) -> None:
    assert (service.HOURLY, service.DAILY) == ((30, 3600), (200, 86400))
    token = await make_token((await make_member(await secretariat(), Role.ADMIN)).person_id)
    subjects = [world.subject("person")] * 29 + [f"person:{new_id()}"]
    assert [(await look(client, token, subject, "name"))[0] for subject in subjects] == [201] * 29 + [404]
    before = await AuditEntry.all().count()
    status, found = await look(client, token, world.subject("person"), "name")
    assert (status, found["code"]) == (429, "too_many_requests")
    assert await AuditEntry.all().count() == before
    assert (await look(client, world.tokens["admin"], world.subject("person"), "name"))[0] == 201


async def test_the_same_request_sent_again_is_one_look(client: aiohttp.ClientSession, world: World) -> None:
    """Its answer lies nowhere: the value is read anew under the trace of the first."""
    headers = {"Authorization": f"Bearer {world.tokens['reviewer']}", "Idempotency-Key": "look"}
    subject = world.subject("student")
    body = {"subject": subject, "fields": ["name", "id_number"], "reason": REASON}
    before = await AuditEntry.filter(subject=subject, action="student.revealed").count()
    answers = []
    for _ in range(3):
        async with client.post(REVEALS, json=body, headers=headers) as answer:
            assert (answer.status, answer.headers["Cache-Control"]) == (201, "no-store")
            answers.append(await answer.read())
    assert len(set(answers)) == 1
    assert json.loads(answers[0])["values"] == {"name": NAME, "id_number": NUMBER}
    assert await AuditEntry.filter(subject=subject, action="student.revealed").count() == before + 1
    async with client.post(REVEALS, json=body | {"fields": ["name"]}, headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (422, "idempotency_key_reused")


async def test_who_has_come_to_know_the_subject_sees_nothing_again(client: aiohttp.ClientSession, world: World) -> None:
    by = (await make_member(await secretariat(), Role.REVIEWER)).person
    headers = {"Authorization": f"Bearer {await make_token(by.id)}", "Idempotency-Key": "look"}
    body = {"subject": world.subject("organisation"), "fields": ["contact_name"], "reason": REASON}
    async with client.post(REVEALS, json=body, headers=headers) as answer:
        assert answer.status == 201
    await make_member(world.school, Role.CLERK, by)
    async with client.post(REVEALS, json=body, headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (403, "reveal_of_own")
