"""What a sealed cell that does not open leaves of those who take places: nobody else is hidden."""

import pytest

from server.consents import documents
from server.consents.models import Capacity, Consent
from server.engagements import contacts, fitness
from server.engagements.models import Engagement
from server.kernel import clock, sensitive
from server.kernel.sensitive import Cell
from server.people.models import Person
from server.settings import ROOT
from server.students.models import Student, StudentLink
from tests.engagements.filling import Firm, consents, make_worker, make_workers, taken

pytestmark = pytest.mark.usefixtures("database")
DOCUMENTS = documents.load(ROOT / "content")
NAME, PHONE = "欧阳鸢尾", "13912345678"


async def told(*ids: object) -> list[contacts.Worker]:
    shown = ("posting", "supply__organisation", "person", "student")
    rows = await Engagement.filter(id__in=ids).select_related(*shown).order_by("id")
    found = await contacts.workers(rows, DOCUMENTS)
    return [found[row.id] for row in rows]


async def test_a_worker_whose_cells_are_spoiled_hides_nobody_else(firm: Firm) -> None:
    """Nobody calls whose age cannot be read: they may be a minor."""
    posting, workers = await firm.seeks(2), await make_workers(2)
    for one in workers:
        await consents(one, Capacity.SELF)
        sealed = sensitive.vault().seal(Cell("person", "phone_sealed", one), PHONE)
        await Person.filter(id=one).update(phone_sealed=sealed)
    held = [(await taken(firm, posting, one)).id for one in workers]
    mine, other = [(await StudentLink.get(person_id=one).select_related("student")).student for one in workers]
    [before, whole] = await told(*held)
    assert (before.ages, before.through_school) == (whole.ages, False) == ("18-24", False)
    await Student.filter(id=mine.id).update(name_sealed=other.name_sealed)
    [spoiled, beside] = await told(*held)
    assert (spoiled.name, spoiled.contact, spoiled.ages) == (None, None, "18-24"), "nobody to ask for"
    assert beside.name
    assert beside.contact
    assert (beside.name.reveal(), beside.contact.phone.reveal()) == (NAME, PHONE)
    await Student.filter(id=mine.id).update(id_number_sealed=other.id_number_sealed)
    assert await told(*held) == [contacts.Worker(None, through_school=True), beside]


async def test_nobody_is_let_go_for_a_number_that_cannot_be_read(firm: Firm) -> None:
    """Nor does who looks for those without a guardian's consent stumble over it."""
    worker = await make_worker(17)
    given = await consents(worker)
    held = await taken(firm, await firm.seeks(), worker)
    await Consent.filter(id=given.id).update(withdrawn_at=clock.now())
    assert await fitness.unguarded([held]) == {held.id}
    other = (await StudentLink.get(person_id=await make_worker()).select_related("student")).student
    await Student.filter(id=given.student_id).update(id_number_sealed=other.id_number_sealed)
    assert await fitness.unguarded([held]) == set()
