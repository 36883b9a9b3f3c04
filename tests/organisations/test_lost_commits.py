"""A paper of which the database did not say whether it is stored, and an invitation to what is closing meanwhile."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from asyncpg import ConnectionDoesNotExistError
from tortoise.backends.asyncpg.client import TransactionWrapper

from server.funds import filing
from server.funds.filing import NewPaper
from server.funds.models import FundPaper, PaperKind
from server.gateways.files import Files
from server.kernel import clock
from server.kernel.ids import new_id
from server.organisations import dissolving, invitations, memberships, standing
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from server.people.service import Decider
from tests.factories import make_member, make_organisation, make_person
from tests.harness.funding import make_fund
from tests.harness.waiting import allowed

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.only("postgres")]


class Cleaner:
    async def clean(self, data: bytes) -> bytes:
        return data


async def test_a_paper_whose_storing_was_not_answered_keeps_its_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, fund = Files(tmp_path / "files", {"k": b"1" * 32}), await make_fund()
    paper = NewPaper(PaperKind.LEGAL_BASIS, "t", "1", "市政府办", clock.today(), None, None, None, new_id())
    commit = TransactionWrapper.commit

    async def lost(self: TransactionWrapper) -> None:
        await commit(self)
        raise ConnectionDoesNotExistError("connection was closed in the middle of operation")

    with monkeypatch.context() as patch:
        patch.setattr(TransactionWrapper, "commit", lost)
        with pytest.raises(ConnectionDoesNotExistError):
            await filing.put(fund.id, paper, b"picture", Cleaner(), files)
    [row] = await FundPaper.filter(fund_id=fund.id)
    assert await filing.picture(fund.id, row.id, files) == b"picture"


async def test_an_invitation_is_accepted_while_its_organisation_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = await make_member(await make_organisation(Kind.ENTERPRISE), Role.MANAGER)
    office = await make_organisation(Kind.SECRETARIAT, name="秘书处（示例）")
    reviewer = (await make_member(office, Role.REVIEWER)).person_id
    invited = await invitations.make(manager.organisation_id, Role.CLERK, 7, by=manager.person_id)
    code, newcomer = invitations.code_of(invited), (await make_person()).id
    assert code
    joining, join, dismiss = asyncio.Event(), memberships.join, dissolving.dismiss
    closing = asyncio.Event()

    async def slowly(*said: Any, **more: Any) -> Any:
        joining.set()
        await asyncio.wait([asyncio.create_task(closing.wait())], timeout=0.5)
        await asyncio.sleep(0.3)  # by now the other waits for whatever is held here
        return await join(*said, **more)

    async def dismissed(*said: Any) -> Any:
        closing.set()
        return await dismiss(*said)

    async def closed() -> None:
        await joining.wait()
        await standing.close(manager.organisation_id, Decider(reviewer, "停业"))

    monkeypatch.setattr(memberships, "join", slowly)
    monkeypatch.setattr(dissolving, "dismiss", dismissed)
    async with asyncio.timeout(allowed(20)), asyncio.TaskGroup() as both:
        both.create_task(invitations.accept(code, newcomer))
        both.create_task(closed())
    assert (await Organisation.get(id=manager.organisation_id)).state is OrganisationState.CLOSED
