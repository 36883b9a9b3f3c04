"""Consent: to what is in force, by whom the law lets consent, and standing for as long as nothing has changed."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from server.consents import documents as content
from server.consents import service
from server.consents.documents import Document, Documents, Scope
from server.consents.models import Capacity, Consent
from server.consents.service import Wanted
from server.kernel import clock
from server.kernel.errors import DomainError
from server.people.models import Person
from server.people.service import Decider
from server.students import service as students
from server.students.models import Relation, StudentLink
from server.students.service import Verdict
from tests.factories import make_person
from tests.policy.shelf import CONTENT
from tests.students.numbers import claim, number_of

pytestmark = pytest.mark.usefixtures("database")
SCOPES = (
    Scope(id="needed", title="要", text="要", needed=True),
    Scope(id="optional", title="可", text="可", needed=False),
)
PAPER, NEEDED = "paper", ("paper", "needed")
NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)
TODAY = date(2026, 11, 21)


def version(number: str, since: date) -> Document:
    return Document(id=PAPER, version=number, effective_from=since, title="同意书", text="文字", scopes=SCOPES)


DOCUMENTS = Documents([version("1", date(2026, 1, 1)), version("2", date(2027, 1, 1))])


async def give(person_id: UUID, student_id: UUID | None = None, scope: str = "needed", number: str = "1") -> Consent:
    return await service.give(person_id, Wanted(PAPER, number, scope, student_id), DOCUMENTS)


async def linked(born: date, relation: Relation = Relation.SELF, *, check: bool = True) -> StudentLink:
    return await another(number_of(born), relation, check=check)


async def another(number: str, relation: Relation, *, check: bool = True) -> StudentLink:
    link = await students.request((await make_person()).id, claim(number, relation))
    if check:
        by = Decider((await make_person()).id, "已核对")
        return await students.decide(link.id, Verdict.CONFIRM, by)
    return link


async def stands(subject: object, on: date = TODAY, wanted: tuple[str, str] = NEEDED) -> bool:
    return await service.stands(subject, wanted, on, DOCUMENTS)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def noon() -> None:
    clock.move_to(NOON)


@pytest.mark.parametrize(
    ("born", "may"),
    [
        (date(2012, 11, 21), True),  # 14 today
        (date(2012, 11, 22), False),  # 13 years and 364 days
        (date(2012, 11, 20), True),
        (date(2020, 1, 1), False),
    ],
)
async def test_one_consents_for_oneself_from_fourteen_on(born: date, *, may: bool) -> None:
    link = await linked(born)
    if may:
        assert (await give(link.person_id)).capacity is Capacity.SELF
    else:
        with pytest.raises(DomainError) as caught:
            await give(link.person_id)
        assert (caught.value.slug, caught.value.status) == ("guardian_needed", 403)
    assert await stands(link.student) is may
    assert await stands(await Person.get(id=link.person_id)) is may


@pytest.mark.parametrize(("day", "may"), [(date(2026, 2, 28), False), (date(2026, 3, 1), True)])
async def test_who_was_born_on_29_february_is_fourteen_on_the_first_of_march(day: date, *, may: bool) -> None:
    clock.move_to(datetime(day.year, day.month, day.day, 4, tzinfo=UTC))
    link = await linked(date(2012, 2, 29))
    if may:
        assert await give(link.person_id)
    else:
        with pytest.raises(DomainError):
            await give(link.person_id)


async def test_the_day_of_birth_is_a_day_in_shanghai() -> None:
    link = await linked(date(2012, 11, 21))
    clock.move_to(datetime(2026, 11, 20, 15, 59, tzinfo=UTC))  # 23:59 there, the day before
    with pytest.raises(DomainError):
        await give(link.person_id)
    clock.move_to(datetime(2026, 11, 20, 16, 1, tzinfo=UTC))
    assert await give(link.person_id)


async def test_a_guardian_consents_for_a_child_and_only_with_a_confirmed_link() -> None:
    number = number_of(date(2015, 5, 5))
    link = await another(number, Relation.GUARDIAN, check=False)
    with pytest.raises(DomainError) as caught:
        await give(link.person_id, link.student_id)
    assert [fault.code for fault in caught.value.faults] == ["student_not_linked"]
    mother = await another(number, Relation.GUARDIAN)
    given = await give(mother.person_id, mother.student_id)
    assert (given.capacity, given.student_id) == (Capacity.GUARDIAN, mother.student_id)
    assert await stands(mother.student)
    assert not await stands(await Person.get(id=mother.person_id))
    await students.unlink(mother.id, mother.person_id)
    assert not await stands(mother.student, TODAY)


async def test_nobody_consents_for_those_of_age() -> None:
    link = await linked(date(2008, 11, 21), Relation.GUARDIAN)  # 18 today
    with pytest.raises(DomainError) as caught:
        await give(link.person_id, link.student_id)
    assert (caught.value.slug, caught.value.status) == ("of_age", 403)
    assert await give((await linked(date(2008, 11, 22), Relation.GUARDIAN)).person_id)  # for themselves


async def test_a_child_who_waits_for_the_check_or_took_the_link_back_is_no_older() -> None:
    waiting = await linked(date(2015, 5, 5), check=False)
    with pytest.raises(DomainError):
        await give(waiting.person_id)
    gone = await linked(date(2015, 5, 5))
    await students.unlink(gone.id, gone.person_id)
    with pytest.raises(DomainError):
        await give(gone.person_id)


async def test_what_a_child_consented_to_before_anyone_knew_stands_no_longer() -> None:
    person = await make_person()
    await give(person.id)
    assert await stands(person)
    link = await students.request(person.id, claim(number_of(date(2015, 5, 5))))
    assert not await stands(person)
    link = await students.decide(link.id, Verdict.CONFIRM, Decider((await make_person()).id, "已核对"))
    assert not await stands(person)
    assert not await stands(link.student)


async def test_what_a_youth_consented_to_before_the_check_stands_for_the_student_too() -> None:
    person = await make_person()
    await give(person.id)
    link = await students.request(person.id, claim(number_of(date(2009, 5, 5))))
    link = await students.decide(link.id, Verdict.CONFIRM, Decider((await make_person()).id, "已核对"))
    assert await stands(link.student)


async def test_only_what_is_in_force_is_consented_to_and_stands() -> None:
    person = await make_person()
    faults = []
    for document, number, scope in (("unknown", "1", "needed"), (PAPER, "2", "nonsense")):
        with pytest.raises(DomainError) as caught:
            await service.give(person.id, Wanted(document, number, scope), DOCUMENTS)
        faults += [(fault.pointer, fault.code) for fault in caught.value.faults]
    assert faults == [
        ("/document", "consent_document"), ("/version", "consent_version"), ("/scope", "consent_scope"),
    ]  # fmt: skip
    await give(person.id)
    assert await stands(person, date(2026, 12, 31))
    assert not await stands(person, date(2027, 1, 1))
    assert not await stands(person, TODAY - timedelta(days=1))
    assert not await stands(person, TODAY, (PAPER, "optional"))
    assert not await stands(person, TODAY, (PAPER, "nonsense"))


async def test_a_consent_is_given_once_withdrawn_and_given_again() -> None:
    person = await make_person()
    first = await give(person.id)
    assert (await give(person.id)).id == first.id
    await service.withdraw(first.id)
    await service.withdraw(first.id)
    assert not await stands(person)
    assert (await give(person.id)).id != first.id
    assert await stands(person)
    assert await Consent.filter(person=person).count() == 2


async def test_the_content_is_in_order() -> None:
    found = content.load(CONTENT).on(TODAY)
    assert [document.id for document in found] == ["account", "student"]
    assert content.load(CONTENT).on(date(2025, 12, 31)) == ()
    assert all(any(not scope.needed for scope in document.scopes) for document in found)
