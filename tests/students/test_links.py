"""Who speaks for a student: said by people, checked by the secretariat, and nothing told of others on the way."""

import asyncio
from datetime import date, timedelta

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.kernel import clock, sensitive
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.outbox import Event
from server.kernel.sensitive import Kind
from server.people.models import Person
from server.people.service import Decider
from server.students import links, sealed, service
from server.students.models import LinkState, Relation, Student, StudentLink
from server.students.service import MOST_A_DAY, Verdict
from tests.factories import make_person
from tests.students.numbers import REGIONS, claim, number_of

pytestmark = pytest.mark.usefixtures("database")
BORN = date(2009, 3, 14)
GUARDIAN = Relation.GUARDIAN


async def reviewer() -> Decider:
    return Decider((await make_person()).id, "已核对户口簿")


async def asked(number: str, relation: Relation = Relation.SELF, name: str = "何小满") -> StudentLink:
    return await service.request((await make_person()).id, claim(number, relation, name))


async def confirmed(link: StudentLink) -> StudentLink:
    return await service.decide(link.id, Verdict.CONFIRM, await reviewer())


async def test_a_link_is_asked_for_and_confirmed_and_all_of_it_lies_sealed(database: BaseDBAsyncClient) -> None:
    number = number_of(BORN)
    link = await asked(number, name="欧阳鸢尾")
    assert (link.state, sealed.differs(link)) == (LinkState.REQUESTED, False)
    by = await reviewer()
    found = await service.decide(link.id, Verdict.CONFIRM, by)
    assert (found.state, found.decided_by_id, found.reason) == (LinkState.CONFIRMED, by.person_id, by.reason)
    assert sealed.identity(found.student).born == BORN
    assert sealed.name_of(found.student).reveal() == "欧阳鸢尾"
    for table in ("student", "student_link", "audit_entry", "event"):
        rows = str(await database.execute_query_dict(f"SELECT * FROM {table}"))  # noqa: S608 -- our own names
        assert number not in rows
        assert "欧阳鸢尾" not in rows
    noted = await AuditEntry.filter(subject=f"student_link:{link.id}").order_by("id")
    assert [(one.action, one.before, one.after) for one in noted] == [
        ("student_link.requested", "", "requested"), ("student_link.confirmed", "requested", "confirmed"),
    ]  # fmt: skip
    assert (await Event.filter(subject=f"student_link:{link.id}").first()).people == [str(link.person_id)]  # type: ignore[union-attr]


async def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(DomainError) as caught:
        service.claim("王1", "340802200901011234", Relation.SELF, REGIONS)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [
        ("/name", "person_name"), ("/id_number", "id_number_check"),
    ]  # fmt: skip


async def test_one_number_is_one_student_and_another_name_is_told_to_nobody_but_the_secretariat() -> None:
    number = number_of(BORN)
    first, second = await asked(number), await asked(number, GUARDIAN, "何大满")
    assert first.student_id == second.student_id
    assert [sealed.differs(first), sealed.differs(second)] == [False, True]
    assert sealed.name_of(second.student).reveal() == "何小满"
    assert sealed.given_name(second).reveal() == "何大满"


async def test_the_first_confirmed_name_is_the_student_s() -> None:
    number = number_of(BORN)
    await asked(number, name="何小蛮")  # by anybody at all
    right = await confirmed(await asked(number, GUARDIAN, "何小满"))
    assert sealed.name_of(await Student.get(id=right.student_id)).reveal() == "何小满"
    later = await confirmed(await asked(number, GUARDIAN, "何晓满"))
    assert sealed.name_of(await Student.get(id=later.student_id)).reveal() == "何小满"
    assert [sealed.differs(await links.link(one.id)) for one in (right, later)] == [False, True]


async def test_a_name_is_corrected_once_nobody_confirmed_disagrees_and_the_history_holds_no_name() -> None:
    number = number_of(BORN)
    waiting, wrong = await asked(number, GUARDIAN, "何小满"), await confirmed(await asked(number, GUARDIAN, "何小蛮"))
    assert sealed.differs(await links.link(waiting.id))
    subject = f"student:{wrong.student_id}"
    before = await AuditEntry.filter(subject=subject).count()
    await service.unlink(wrong.id, wrong.person_id)
    by = await reviewer()
    found = await service.decide(waiting.id, Verdict.CONFIRM, by)
    assert sealed.name_of(found.student) == sealed.name_of(await Student.get(id=found.student_id))
    assert sealed.name_of(found.student).reveal() == "何小满"
    assert not sealed.differs(await links.link(found.id))
    entries = (await AuditEntry.filter(subject=subject).order_by("id"))[before:]
    assert [(one.action, one.actor_id, one.fields) for one in entries] == [
        ("student.renamed", by.person_id, ["name"]),
    ]  # fmt: skip
    assert not any(name in one.content.decode() for one in entries for name in ("何小满", "何小蛮"))
    await confirmed(await asked(number, GUARDIAN, "何小满"))
    assert await AuditEntry.filter(subject=subject).count() == before + 1


async def test_a_number_is_known_under_an_old_key_too(monkeypatch: pytest.MonkeyPatch) -> None:
    number = number_of(BORN)
    first = await asked(number)
    vault = sensitive.vault()
    old = vault.index(Kind.ID_NUMBER, number)
    await Student.filter(id=first.student_id).update(id_number_index=f"old{old}")
    monkeypatch.setattr(type(vault), "indexes", lambda _self, kind, value: (vault.index(kind, value), f"old{old}"))
    assert (await asked(number, GUARDIAN)).student_id == first.student_id


async def test_of_simultaneous_requests_one_stands_and_one_student_is_made() -> None:
    number, person = number_of(BORN), await make_person()
    said = claim(number)
    outcomes = await asyncio.gather(*(service.request(person.id, said) for _ in range(4)), return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, DomainError)]
    assert [(one.slug, one.status) for one in refused] == [("already_linked", 409)] * 3
    others = await asyncio.gather(*(asked(number, GUARDIAN) for _ in range(4)))
    assert len({one.student_id for one in others}) == 1
    assert await StudentLink.filter(person=person).count() == 1


async def test_a_rejected_link_gives_way_to_the_next_one() -> None:
    number, person = number_of(BORN), await make_person()
    link = await service.request(person.id, claim(number))
    await service.decide(link.id, Verdict.REJECT, await reviewer())
    again = await service.request(person.id, claim(number))
    assert again.id != link.id
    lasting = await links.of_person(person.id, 20, None)
    assert [one.id for one in lasting.items] == [again.id]


async def test_what_is_settled_or_taken_back_is_not_decided_again() -> None:
    link = await confirmed(await asked(number_of(BORN)))
    taken_back = await asked(number_of(BORN))
    await service.unlink(taken_back.id, taken_back.person_id)
    for one in (link, taken_back):
        with pytest.raises(DomainError) as caught:
            await service.decide(one.id, Verdict.REJECT, await reviewer())
        assert (caught.value.slug, caught.value.status) == ("link_settled", 409)
    with pytest.raises(DomainError) as caught:
        await service.unlink(link.id, (await make_person()).id)
    assert caught.value.status == 404


async def test_nobody_decides_about_a_student_of_their_own() -> None:
    number = number_of(BORN)
    mother = await service.request((await make_person()).id, claim(number, GUARDIAN))
    child = await asked(number)
    for link in (mother, child):
        with pytest.raises(DomainError) as caught:
            await service.decide(link.id, Verdict.CONFIRM, Decider(mother.person_id, "自己的孩子"))
        assert (caught.value.slug, caught.value.status) == ("link_of_your_own", 403)
    await service.unlink(mother.id, mother.person_id)
    with pytest.raises(DomainError, match="link_of_your_own"):
        await service.decide(child.id, Verdict.CONFIRM, Decider(mother.person_id, "自己的孩子"))


async def test_no_student_is_two_people_and_nobody_is_two_students() -> None:
    number = number_of(BORN)
    first = await asked(number)
    rivals = [first, await asked(number), await asked(number)]
    by = await reviewer()
    outcomes = await asyncio.gather(
        *(service.decide(link.id, Verdict.CONFIRM, by) for link in rivals), return_exceptions=True
    )
    assert sorted(one.slug for one in outcomes if isinstance(one, DomainError)) == ["student_taken"] * 2
    chosen = next(one for one in outcomes if isinstance(one, StudentLink))
    other = await service.request(chosen.person_id, claim(number_of(BORN)))
    with pytest.raises(DomainError) as caught:
        await service.decide(other.id, Verdict.CONFIRM, by)
    assert caught.value.slug == "person_taken"
    as_guardian = await service.request(chosen.person_id, claim(number_of(BORN), GUARDIAN))
    await service.decide(as_guardian.id, Verdict.CONFIRM, by)


async def test_so_many_numbers_are_tried_in_a_day() -> None:
    person = await make_person()
    for _ in range(MOST_A_DAY):
        link = await service.request(person.id, claim(number_of(BORN)))
        await service.unlink(link.id, person.id)
    with pytest.raises(DomainError) as caught:
        await service.request(person.id, claim(number_of(BORN)))
    assert caught.value.status == 429
    assert 0 < caught.value.facts["seconds"] <= 24 * 3600
    clock.move_to(clock.now() + timedelta(days=1, seconds=1))
    await service.request(person.id, claim(number_of(BORN)))


async def test_what_was_rejected_is_confirmed_after_an_appeal() -> None:
    link = await asked(number_of(BORN))
    with pytest.raises(DomainError):
        await service.overturn(link.id, await reviewer())
    await service.decide(link.id, Verdict.REJECT, await reviewer())
    assert (await service.overturn(link.id, await reviewer())).state is LinkState.CONFIRMED


async def test_a_page_lists_those_first_that_have_waited_longest() -> None:
    mine = [(await asked(number_of(BORN), GUARDIAN)).id for _ in range(3)]
    seen, cursor = [], None
    while True:
        page = await links.listed(LinkState.REQUESTED, 2, cursor)
        seen += [one.id for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert [one for one in seen if one in mine] == mine
    assert len(set(seen)) == len(seen)


async def test_who_goes_leaves_no_name_in_what_was_never_confirmed() -> None:
    person = await make_person()
    kept = await service.request(person.id, claim(number_of(BORN)))
    await confirmed(kept)
    await service.request(person.id, claim(number_of(BORN), GUARDIAN))
    await service.unlink_all(person.id)
    left = await StudentLink.filter(person=person)
    assert [(one.id, one.ended_at is not None) for one in left] == [(kept.id, True)]
    assert await Person.exists(id=person.id)
