"""Many approve, open, lock, let go, send and settle the same things at one moment, at processes that are killed.

Whatever happens, everything has one effect, nothing that was acknowledged is missing, and every fen is explained.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from server import db
from server.awards import ledger_check
from server.awards.models import Award, AwardState
from server.funds.models import Budget, LedgerEntry
from server.kernel.audit import AuditEntry
from server.statements.models import Statement, StatementApproval, StatementResult, StatementState
from tests.drills.money_race import APPROVE, FEN, LET_GO, LOCK, SEND, SETTLE, SHORT, STAGES, Race, raced, ready
from tests.harness import postgres
from tests.harness.postgres import Postgres

ENTRIES = ("reserve", "commit", "spend")


async def everything_had_one_effect(race: Race) -> None:
    """Each award is approved once, on one statement, and paid once; what lacked money waits, as many as there must."""
    assert await ledger_check.faults() == []
    states = Counter(one.state for one in await Award.all())
    paid = len(race.awards) - SHORT
    assert states == {AwardState.PAID: paid, AwardState.AWAITING_FUNDS: SHORT}
    budget = await Budget.get()
    assert (budget.available_fen, budget.spent_fen) == (0, paid * FEN)
    moved = Counter((entry.award_id, str(entry.kind)) for entry in await LedgerEntry.filter(award_id__isnull=False))
    lucky = [one.id for one in await Award.filter(state=AwardState.PAID)]
    assert moved == dict.fromkeys([(one, kind) for one in lucky for kind in ENTRIES], 1)
    assert len(await StatementResult.all()) == paid
    statements = await Statement.all()
    assert {one.state for one in statements} == {StatementState.SETTLED}
    approvals = Counter(one.statement_id for one in await StatementApproval.all())
    assert approvals == {one.id: len(race.approvers) for one in statements}
    await each_was_done_once(race, {str(one.id) for one in statements})


async def each_was_done_once(race: Race, statements: set[str]) -> None:
    """By the audit: nothing that was acknowledged is missing, nothing is there twice."""
    acts = Counter((entry.subject, entry.action) for entry in await AuditEntry.filter(action__not="statement.approved"))
    approved = {subject for subject, action in acts if action in {"award.approved", "award.awaiting_funds"}}
    assert approved == {f"award:{one}" for one in race.awards}
    for action in ("opened", "locked", "sent", "settled"):
        assert {subject for subject, name in acts if name == f"statement.{action}"} == {
            f"statement:{one}" for one in statements
        }
    assert {key: times for key, times in acts.items() if times > 1 and not key[1].endswith("file_given")} == {}
    assert race.acknowledged[APPROVE] <= set(race.awards)
    for stage in (LOCK, LET_GO, SEND, SETTLE):
        assert race.acknowledged[stage] <= statements
    assert not race.keyed or all(race.acknowledged[stage] for stage in STAGES)


async def test_what_many_do_at_once_is_done_once(own_url: str, tmp_path: Path) -> None:
    async with db.opened(own_url, everywhere=True):
        race = await ready(own_url, tmp_path, 2, schools=2, tries=4, keyed=False, crash=lambda: None)
        await raced(race, kills=2)
        await everything_had_one_effect(race)


@pytest.fixture
def own_postgres() -> Iterator[tuple[Postgres, str]]:
    with postgres.running() as server:
        yield server, server.fresh()


@pytest.mark.drill
@pytest.mark.only("postgres")
@pytest.mark.usefixtures("database_url")
async def test_ten_thousand_attempts_and_fifty_kills(own_postgres: tuple[Postgres, str], tmp_path: Path) -> None:
    database, url = own_postgres

    def crash() -> None:
        database.crash()
        database.start_again()

    async with db.opened(url, everywhere=True):
        race = await ready(url, tmp_path, 8, schools=16, tries=72, keyed=True, crash=crash)
    assert race.attempts >= 10_000
    seconds = await raced(race, kills=50)
    print(f"{race.attempts} attempts in {seconds:.0f} s: {dict(race.told)}")  # noqa: T201
    async with db.opened(url, everywhere=True):
        await everything_had_one_effect(race)
