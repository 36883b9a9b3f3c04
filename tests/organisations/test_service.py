"""Lists ask the database once, however long they are."""

import pytest
from tortoise.backends.base.executor import BaseExecutor

from server.organisations import service
from server.organisations.roles import Role
from server.organisations.service import Wanted
from server.people.service import name_of
from tests.factories import make_member, make_organisation

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was selected from the database."""
    found: list[object] = []
    original = BaseExecutor.execute_select

    async def counted(self: BaseExecutor, *args: object, **kwargs: object) -> object:
        found.append(args)
        return await original(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(BaseExecutor, "execute_select", counted)
    return found


@pytest.mark.parametrize("number", [1, 30])
async def test_members_come_with_their_people_in_one_query(asked: list[object], number: int) -> None:
    organisation = await make_organisation()
    for _ in range(number):
        await make_member(organisation, Role.CLERK)
    asked.clear()
    page = await service.members(organisation.id, 100, None)
    assert [name_of(membership.person) for membership in page.items] == [None] * number
    assert len(asked) == 1


@pytest.mark.parametrize("within", [None, "two"])
async def test_organisations_come_in_one_query(asked: list[object], within: str | None) -> None:
    ids = [(await make_organisation()).id for _ in range(2)]
    asked.clear()
    page = await service.organisations(Wanted(), ids if within else None, 100, None)
    assert len(page.items) >= 2
    assert len(asked) == 1
