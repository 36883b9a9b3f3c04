"""A list that cannot be looked after keeps no other from going on."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from server.gateways.files import Files
from server.imports import turns
from server.imports.models import Import
from server.kernel import clock
from server.kernel.jobs.models import Job, JobState
from server.kernel.sweeping import PassedOverError
from tests.factories import make_organisation
from tests.imports.test_work import files, importer, rows, send

pytestmark = pytest.mark.usefixtures("database")
__all__ = ["files", "importer"]


async def test_a_list_that_cannot_be_looked_after_keeps_no_other_from_going_on(
    files: Files, importer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert importer
    bad, good = [await send(await make_organisation(), files, rows(3)) for _ in range(2)]
    await Import.filter(id__in=[bad.id, good.id]).update(created_at=clock.now() - timedelta(minutes=1))
    lost = [bad.job_id, good.job_id]
    await Job.filter(id__in=lost).delete()
    hold = turns.hold

    async def broken(import_id: UUID) -> Import:
        if import_id == bad.id:
            raise ValueError
        return await hold(import_id)

    with monkeypatch.context() as patched:
        patched.setattr(turns, "hold", broken)
        with pytest.raises(PassedOverError):
            await turns.watch(files)
    assert [(await Import.get(id=one.id)).job_id in lost for one in (bad, good)] == [True, False]
    assert (await turns.watch(files))["gone_on"] == 1
    job = await Job.get(id=(await Import.get(id=bad.id)).job_id)
    assert job.state is JobState.PENDING
