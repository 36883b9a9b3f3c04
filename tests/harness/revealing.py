"""One of everything that can be revealed, and those who look."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp

from server.enrolments.models import Enrolment
from server.kernel import clock, sensitive
from server.kernel.ids import new_id
from server.kernel.sensitive import Cell, Kind, Sensitive
from server.organisations import payee_accounts
from server.organisations.models import AccountBasis, Organisation, PayeeAccount
from server.organisations.roles import Kind as OrganisationKind
from server.organisations.roles import Role
from server.organisations.secretariat import secretariat
from server.people import service as people
from server.people.models import Person
from server.referrals.models import Referral
from server.students.models import LinkState, Relation, Student, StudentLink
from tests.factories import make_member, make_organisation, make_person, make_token
from tests.harness import referring

REVEALS = "/api/v1/reveals"
NAME, PHONE, NUMBER, ACCOUNT, CONTACT = "欧阳鸢尾", "13970531864", "340802201901011236", "6222021309001234567", "汪晓岚"
PUPIL, RECORD = "340802201105053458", "G340802201105053458"
REASON = "核对申请材料"


@dataclass
class World:
    """One of everything that can be revealed, and those who would like to look."""

    person: Person
    guardian: Person
    student: Student
    link: StudentLink
    school: Organisation
    account: PayeeAccount
    claim: Referral
    enrolment: Enrolment
    tokens: dict[str, str]
    ids: dict[str, UUID]

    def subject(self, kind: str) -> str:
        things: dict[str, Any] = {"person": self.person, "student": self.student, "payee_account": self.account}
        things |= {"organisation": self.school, "student_link": self.link}
        things |= {"referral": self.claim, "enrolment": self.enrolment}
        return f"{kind}:{things[kind].id}"


def sealed(table: str, row_id: UUID, column: str, kind: Kind, value: str) -> dict[str, Any]:
    return {column: sensitive.seal(Cell(table, column, row_id), Sensitive(kind, value))}


async def make_student(person: Person, relation: Relation, number: str = NUMBER) -> Student:
    row_id, link_id = new_id(), new_id()
    student = await Student.create(
        id=row_id,
        **sealed("student", row_id, "name_sealed", Kind.NAME, NAME),
        **sealed("student", row_id, "id_number_sealed", Kind.ID_NUMBER, number),
        id_number_index=sensitive.vault().index(Kind.ID_NUMBER, number),
        created_at=clock.now(),
    )
    await StudentLink.create(
        id=link_id,
        **sealed("student_link", link_id, "name_sealed", Kind.NAME, NAME),
        person=person,
        student=student,
        relation=relation,
        state=LinkState.CONFIRMED,
        created_at=clock.now(),
    )
    return student


async def make_school(manager: Person) -> tuple[Organisation, PayeeAccount]:
    row_id = new_id()
    contact = sealed("organisation", row_id, "contact_name_sealed", Kind.NAME, CONTACT)
    school = await make_organisation(id=row_id, **contact)
    await make_member(school, Role.MANAGER, manager)
    named = payee_accounts.Named(AccountBasis.OWN_ACCOUNT, school.name, "示例银行", ACCOUNT)
    return school, await payee_accounts.name(school.id, named, by=manager.id)


async def build() -> World:
    person, guardian, manager, clerk = [await make_person() for _ in range(4)]
    await people.rename(person.id, NAME)
    await people._keep_phone(person.id, Sensitive(Kind.PHONE, PHONE))  # noqa: SLF001 -- WeChat is not asked here
    school, account = await make_school(manager)
    await make_member(school, Role.CLERK, clerk)
    callers = {"person": person, "guardian": guardian, "manager": manager, "clerk": clerk}
    office = await secretariat()
    for role in (Role.REVIEWER, Role.FINANCE, Role.ADMIN, Role.EDITOR, Role.APPROVER):
        callers[role] = (await make_member(office, role)).person
    callers["stranger"] = await make_person()
    college = await make_organisation(OrganisationKind.VOCATIONAL_SCHOOL, name="滨江职校（示例）")
    callers["registrar"] = (await make_member(college, Role.MANAGER)).person
    pupil, row_id = await referring.make_student(PUPIL), new_id()
    record = sealed("enrolment", row_id, "record_number_sealed", Kind.STUDENT_NUMBER, RECORD)
    name = sealed("enrolment", row_id, "name_sealed", Kind.NAME, NAME)
    student = await make_student(guardian, Relation.GUARDIAN)
    return World(
        await Person.get(id=person.id),
        guardian,
        student,
        await StudentLink.get(student=student),
        school,
        account,
        await referring.make_claim(school, pupil),
        await referring.make_listed(college, pupil, id=row_id, **name, **record),
        {name: await make_token(one.id) for name, one in callers.items()},
        {name: one.id for name, one in callers.items()},
    )


async def ask(client: aiohttp.ClientSession, token: str, method: str = "POST", path: str = REVEALS, **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    async with client.request(method, path, headers=headers, **more) as answer:
        return answer.status, await answer.json(content_type=None)


async def look(client: aiohttp.ClientSession, token: str, subject: str, *fields: str, **more: Any) -> Any:
    return await ask(client, token, json={"subject": subject, "fields": list(fields), "reason": REASON} | more)


async def looks(client: aiohttp.ClientSession, token: str, subject: str) -> Any:
    return await ask(client, token, "GET", f"{REVEALS}?subject={subject}")
