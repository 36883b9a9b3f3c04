from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.kernel.errors import DomainError
from server.kernel.outbox import Event
from server.kernel.paging import Sort, decode_cursor, encode_cursor, page, slice_page
from tests.factories import make_event

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_pages_hold_every_row_once_in_order_also_where_moments_tie(limit: int, *, descending: bool) -> None:
    name = f"paged {limit} {descending}"
    for number in range(13):
        await make_event(name, created_at=START + timedelta(seconds=number // 4))
    sort = Sort("created_at", descending=descending)
    seen: list[Event] = []
    cursor = None
    while True:
        found = await page(Event.filter(name=name), sort, limit, cursor)
        assert len(found.items) <= limit
        seen += found.items
        cursor = found.next_cursor
        if cursor is None:
            break
    keys = [(event.created_at, str(event.id)) for event in seen]
    assert keys == sorted(keys, reverse=descending)
    assert len(set(keys)) == 13


@pytest.mark.usefixtures("database")
async def test_a_row_written_meanwhile_moves_no_page() -> None:
    for number in range(4):
        await make_event("meanwhile", created_at=START + timedelta(seconds=number))
    first = await page(Event.filter(name="meanwhile"), Sort("created_at"), 2, None)
    await make_event("meanwhile", created_at=START + timedelta(hours=1))
    second = await page(Event.filter(name="meanwhile"), Sort("created_at"), 2, first.next_cursor)
    seconds = [event.created_at.second for event in [*first.items, *second.items]]
    assert seconds == [3, 2, 1, 0]


@given(st.lists(st.text(max_size=5), unique=True, max_size=12), st.integers(1, 5))
def test_a_list_in_memory_is_paged_whole(items: list[str], limit: int) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        found = slice_page(items, lambda item: item, limit, cursor)
        seen += found.items
        cursor = found.next_cursor
        if cursor is None:
            break
    assert seen == items


@given(
    st.text(alphabet="abcdefghijklmnopqrstuvwxyzABC0123456789-_=", max_size=60) | st.binary(max_size=30).map(bytes.hex)
)
def test_any_other_cursor_is_refused_by_name(cursor: str) -> None:
    with pytest.raises(DomainError) as refusal:
        decode_cursor(cursor, "created_at")
    assert (refusal.value.status, refusal.value.faults[0].pointer) == (422, "?cursor")


def test_a_cursor_is_good_for_its_own_order_only() -> None:
    cursor = encode_cursor("pay", 100, "id")
    assert decode_cursor(cursor, "pay") == ("pay", "100", "id")
    with pytest.raises(DomainError):
        decode_cursor(cursor, "created_at")


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("value", "row_id"),
    [
        ("2026-01-01T00:00:00+00:00", "x"),
        ("2026-01-01T00:00:00", "01a1fd26-74d2-76c5-a564-ba5eed31e078"),
        ("0001-01-01T00:00:00+14:00", "01a1fd26-74d2-76c5-a564-ba5eed31e078"),
        ("soon", "01a1fd26-74d2-76c5-a564-ba5eed31e078"),
    ],
)
async def test_a_forged_cursor_never_reaches_the_database(value: str, row_id: str) -> None:
    with pytest.raises(DomainError) as refusal:
        await page(Event.all(), Sort("created_at"), 2, encode_cursor("created_at", value, row_id))
    assert refusal.value.status == 422
