"""Funds: where the money of a programme comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from server.funds.models import Fund
from server.kernel import audit, clock, numbers, outbox
from server.kernel.errors import DomainError, FieldFault, found, invalid
from server.kernel.paging import Page, Sort, page
from server.kernel.transactions import transaction
from server.organisations import memberships, secretariat
from server.policy.book import PolicyBook

_HERE, _CURRENT = "340800", "current"
_MAKING = "funds"
"""Funds are made one after another: whoever makes one holds this series."""


@dataclass(frozen=True, slots=True)
class NewFund:
    """A fund to be made: its name, the clause it stands on, and the programmes that it pays."""

    name: str
    clause: str
    programmes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be said of a fund instead; None is as it is."""

    name: str | None = None
    clause: str | None = None
    programmes: Sequence[str] | None = None


async def fund(fund_id: UUID) -> Fund:
    """Return a fund; raises DomainError 404."""
    return found(await Fund.get_or_none(id=fund_id), "fund")


async def hold(fund_id: UUID) -> Fund:
    """Return a fund, held until the transaction ends; raises DomainError 404."""
    return found(await Fund.filter(id=fund_id).select_for_update().get_or_none(), "fund")


async def fund_of(programme: str) -> Fund | None:
    """Return the fund that pays a programme, None where there is none; there are never two."""
    return next((one for one in await funds() if programme in one.programmes), None)


async def funds() -> list[Fund]:
    """Return every fund, the oldest first; they are few."""
    return await Fund.all().order_by("id")


async def listed(limit: int, cursor: str | None) -> Page[Fund]:
    """Return a page of funds, the oldest first; raises DomainError 422 for a foreign cursor."""
    return await page(Fund.all(), Sort("id", descending=False, parse=UUID), limit, cursor)


@transaction
async def make(new: NewFund, book: PolicyBook, by: UUID) -> Fund:
    """Make a fund; joins the transaction.

    Raises DomainError 422 for an unknown clause or a programme that may not be paid, 409 `programme_funded` where
    another fund pays one of them, `fund_named` where another has the name.
    """
    _require_payable(new, book)
    await hold_making()
    await _require_free(new)
    made = await Fund.create(
        name=new.name,
        clause=new.clause,
        programmes=sorted(set(new.programmes)),
        made_by_id=by,
        created_at=clock.now(),
    )
    await note(made.id, "fund.made", by)
    return made


@transaction
async def change(held: Fund, new: NewFund, book: PolicyBook, by: UUID) -> Fund:
    """Say something else of a held fund; joins the transaction. Raises DomainError as `make` does."""
    _require_payable(new, book)
    await _require_free(new, held)
    said = {"name": new.name, "clause": new.clause, "programmes": sorted(set(new.programmes))}
    changed = [name for name, value in said.items() if getattr(held, name) != value]
    if not changed:
        return held
    held.update_from_dict({**said, "version": held.version + 1})
    await held.save(update_fields=[*changed, "version"])
    await note(held.id, "fund.changed", by, fields=changed)
    return held


async def note(fund_id: UUID, event: str, by: UUID, **said: Any) -> None:
    """Leave what happened to a fund in the audit, with what is `said` of it, and in the outbox.

    There it is for those who lead the secretariat.
    """
    subject = f"fund:{fund_id}"
    await audit.note(subject, event, actor_id=by, **said)
    await outbox.record(event, subject, await memberships.leading(secretariat.SECRETARIAT_ID))


async def hold_making() -> None:
    """Keep whoever makes or changes a fund waiting until the transaction ends."""
    await numbers.take(_MAKING)


async def _require_free(new: NewFund, own: Fund | None = None) -> None:
    """Raise DomainError 409 where another fund has the name, or pays one of the programmes."""
    for other in await funds():
        if own and other.id == own.id:
            continue
        if other.name == new.name:
            raise DomainError("fund_named", 409)
        if taken := set(other.programmes) & set(new.programmes):
            raise DomainError("programme_funded", 409, programmes=sorted(taken), fund=other.name)


def _require_payable(new: NewFund, book: PolicyBook) -> None:
    """Raise DomainError 422 for what no fund stands on or pays: only current programmes of this city are paid."""
    faults = [] if new.clause in book.clauses else [FieldFault("/clause", "unknown_clause")]
    for place, name in enumerate(new.programmes):
        programme = book.programmes.get(name)
        if programme is None:
            faults.append(FieldFault(f"/programmes/{place}", "unknown_programme"))
        elif (programme.jurisdiction, programme.standing) != (_HERE, _CURRENT):
            faults.append(FieldFault(f"/programmes/{place}", "programme_not_paid"))
    if faults:
        raise invalid(*faults)
