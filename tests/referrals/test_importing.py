"""Lists of referrals as they wait: what holds is the day on which they were taken in."""

from pathlib import Path

import pytest

from server.enrolments.models import Intake
from server.gateways.files import Files
from server.gateways.wakeup import LocalWakeup
from server.imports import service, work
from server.imports.models import Import, ImportKind
from server.imports.service import Sent
from server.imports.stored import Row
from server.kernel.errors import DomainError
from server.referrals import importing
from server.referrals import service as referrals
from server.referrals.columns import load
from server.referrals.importing import Wanted
from tests.policy.shelf import CONTENT
from tests.referrals.receiving_world import at
from tests.referrals.registering import BORN, claim, feeder
from tests.students.numbers import REGIONS, number_of

pytestmark = pytest.mark.usefixtures("database")


async def test_a_list_taken_in_on_the_last_day_is_worked_off_on_the_next(tmp_path: Path) -> None:
    at(10, 31)
    school, clerk = await feeder()
    terms = {**Wanted(2026, Intake.AUTUMN).kept(), "unread": []}
    headings = [("name", "姓名"), ("id_number", "身份证号")]
    rows = [Row(2, {"name": "何小满", "id_number": number_of(BORN)})]
    sent = Sent(ImportKind.REFERRAL, school.id, clerk, terms, "名单", headings, [], rows)
    files = Files(tmp_path / "files", {"k": b"1" * 32})
    source = await service.receive(await service.keep(sent, files), sent, LocalWakeup())
    at(11, 1)
    with pytest.raises(DomainError, match="outside_window"):
        await referrals.register(school.id, claim(), by=clerk)
    payload = {"import": str(source.id), "from": 0}
    await work.work(payload, files=files, importers=importing.importers(REGIONS, load(CONTENT)))
    source = await Import.get(id=source.id)
    assert (source.state, source.failure, source.accepted) == ("done", None, 1)
