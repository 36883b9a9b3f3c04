"""Search finds exactly the postings in whose texts every phrase stands, on both databases; with --drills 10,000."""

import random
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tortoise.backends.base.client import BaseDBAsyncClient

from server.kernel import clock
from server.labour import finding, listing
from server.labour.models import Posting, PostingState, Side
from server.labour.statement import Statement
from server.labour.wanted import Order, Stretch, Wanted
from server.organisations.roles import Kind
from tests.factories import make_organisation, make_person
from tests.labour.board import live, put_up

SIGNS = "采茶工包吃住安庆怀宁职教日结缝纫电子厂招人人一二三①②³ａｂAbß１1é\u0301İ㎡½😀👨‍👩‍👧𠮷，。（）%_'\"*<&-+ 　\n"
FIELDS = {"title": 12, "address": 8, "requirements": 8, "description": 40}


def plainly(text: str) -> str:
    """The comparison written down a second time."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


@dataclass
class Board:
    """Postings, the newest first, and their texts as they are compared."""

    postings: list[Posting]
    plain: list[list[str]]

    def read(self, query: str) -> list[str]:
        """What reading everything finds."""
        words = plainly(query).split()
        return [
            str(posting.id)
            for posting, fields in zip(self.postings, self.plain, strict=True)
            if all(any(word in field for field in fields) for word in words)
        ]


async def find(query: str, limit: int = 100) -> list[str]:
    """Everything that is found, page by page."""
    wanted = Wanted(today=clock.today(), side=Side.DEMAND, phrases=tuple(plainly(query).split()))
    gathered: list[str] = []
    cursor = None
    while True:
        page = await finding.page(wanted, Order.NEWEST, limit, cursor)
        gathered += [card["id"] for card in orjson.loads(page.items)]
        cursor = page.next_cursor
        if cursor is None or len(gathered) >= 3 * limit:
            return gathered


@pytest.fixture(scope="module")
async def board(database: BaseDBAsyncClient, request: pytest.FixtureRequest) -> AsyncIterator[Board]:
    """So many that the first look does not see all of them."""
    assert database
    drill = request.config.getoption("--drills")
    chance, now = random.Random(20240091), clock.now()  # noqa: S311 -- no secret
    person, enterprise = await make_person(), await make_organisation(Kind.ENTERPRISE)

    def texts() -> dict[str, str]:
        return {field: "".join(chance.choices(SIGNS, k=chance.randrange(most))) for field, most in FIELDS.items()}

    made = [
        live(person, enterprise, now=now - timedelta(seconds=number), **texts())
        for number in range(10_000 if drill else 1_500)
    ]
    await put_up(made)
    await database.execute_script("ANALYZE posting")  # by which PostgreSQL knows how many there are
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finding, "READ_FIRST", 3_000 if drill else 300)
        yield Board(made, [[plainly(getattr(posting, field)) for field in FIELDS] for posting in made])


questions = st.text(st.sampled_from(SIGNS), min_size=1, max_size=6) | st.text(
    st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=6
)


@settings(max_examples=settings().max_examples, deadline=None, suppress_health_check=list(HealthCheck))
@given(questions)
async def test_search_equals_reading_everything(board: Board, query: str) -> None:
    if plainly(query).split():
        assert await find(query) == board.read(query)[:300]


@pytest.mark.parametrize("size", range(1, 7))
async def test_what_surely_occurs_is_found(board: Board, size: int) -> None:
    chance = random.Random(size)  # noqa: S311 -- no secret
    for posting in chance.sample(board.postings, 10):
        start = chance.randrange(max(1, len(posting.description) - size))
        piece = posting.description[start : start + size]
        if plainly(piece).split():
            assert await find(piece) == board.read(piece)[:300]


async def test_a_question_that_new_ones_do_not_answer_is_put_to_all(board: Board, database: BaseDBAsyncClient) -> None:
    oldest = await Posting.get(id=board.postings[-1].id)
    oldest.description = "螺蛳" + oldest.description
    await oldest.save()
    await finding.index(oldest)
    assert await find("螺蛳") == [str(oldest.id)]
    assert await find("螺") == [str(oldest.id)]
    reads = listing.readable(database.capabilities.dialect, Wanted(phrases=("螺",)), Order.NEWEST)
    assert reads == (database.capabilities.dialect == "postgres")


async def test_what_is_neither_common_nor_rare_is_read_for_further_on(
    board: Board, database: BaseDBAsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One first look, one long enough; not all of them are gathered."""
    if database.capabilities.dialect == "sqlite":
        return
    asked, statement = list[int | None](), listing.statement

    def noted(dialect: str, wanted: Wanted, stretch: Stretch, read: int | None = None) -> Statement:
        asked.append(read)
        return statement(dialect, wanted, stretch, read)

    monkeypatch.setattr(listing, "statement", noted)
    first = finding.READ_FIRST
    counts = {sign: sum(sign in "".join(one) for one in board.plain[:first]) for sign in "采茶工包吃住安庆"}
    middling = max(counts, key=counts.__getitem__)
    assert first // 3 < counts[middling] < first // 2, "of what is rarer, all is gathered"
    limit = counts[middling] * 5 // 4
    wanted = Wanted(today=clock.today(), side=Side.DEMAND, phrases=(middling,))
    page = await finding.page(wanted, Order.NEWEST, limit, None)
    assert [card["id"] for card in orjson.loads(page.items)] == board.read(middling)[:limit]
    assert asked == [first, 2 * first]


async def test_words_follow_the_text_and_go_with_the_posting(board: Board) -> None:
    """Changed, taken down, put up again: what is found is what stands there."""
    posting = await Posting.get(id=board.postings[5].id)
    posting.title = "鸬鹚捕鱼"
    await posting.save()
    await finding.index(posting)
    assert await find("鸬鹚捕") == [str(posting.id)]
    posting.title, posting.state = "竹编", PostingState.REMOVED
    await posting.save()
    await finding.index(posting)
    assert await find("鸬鹚") == []
    posting.state = PostingState.LIVE
    await posting.save()
    await finding.index(posting)
    assert str(posting.id) in await find("竹编")
    assert await find("鸬鹚") == []


async def test_the_longest_text_is_searched_to_its_end(board: Board) -> None:
    posting = await Posting.get(id=board.postings[7].id)
    chance = random.Random(7)  # noqa: S311 -- no secret
    posting.description = "".join(chr(chance.randrange(0x4E00, 0x9FA5)) for _ in range(9_996)) + "😀收尾😀"
    await posting.save()
    await finding.index(posting)
    assert await find("😀收尾😀") == [str(posting.id)]
    assert await find(posting.description[5000:5006]) == [str(posting.id)]
