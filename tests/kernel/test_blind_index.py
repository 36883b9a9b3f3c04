"""Two who store one value at the same time: the second waits and finds what the first stored, whatever their keys."""

import asyncio

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.kernel import blind_index, sensitive
from server.kernel.transactions import transaction
from server.students.models import Student
from tests.harness.keys import VAULT
from tests.harness.rotating import ADDED, IN_FRONT, number, store, vault


@pytest.fixture(autouse=True)
async def emptied(database: BaseDBAsyncClient) -> None:
    assert database
    await Student.all().delete()


@pytest.mark.parametrize(("first", "second"), [(ADDED, IN_FRONT), (IN_FRONT, ADDED), (IN_FRONT, IN_FRONT)])
async def test_the_second_waits_for_the_first(first: tuple[str, ...], second: tuple[str, ...]) -> None:
    held, free, order = asyncio.Event(), asyncio.Event(), []

    @transaction
    async def slow() -> bool:
        sensitive.use(vault(first))
        indexes = await blind_index.hold(number(1))
        held.set()
        await free.wait()
        order.append("first")
        sensitive.use(vault(first))
        assert blind_index.find(number(1)) == indexes
        return await store(1)

    async def late() -> bool:
        await held.wait()
        sensitive.use(vault(second))
        stored = await store(1)
        order.append("second")
        return stored

    both = asyncio.gather(slow(), late())
    await held.wait()
    await asyncio.sleep(0.05)
    early = list(order)
    free.set()
    assert list(await both) == [True, False]
    assert (early, order) == ([], ["first", "second"])
    assert await Student.all().count() == 1


async def test_of_many_at_once_one_stores_each_value() -> None:
    sensitive.use(VAULT)
    assert sum(await asyncio.gather(*(store(one % 5) for one in range(20)))) == 5
    assert await Student.all().count() == 5
