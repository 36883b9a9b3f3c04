"""Drawing reviewed awards at random, and looking at them again before they are made public."""

import hashlib
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from tortoise.expressions import Q
from tortoise.functions import Count

from server.awards import deciders, grounds, holding, rules
from server.awards.holding import Change
from server.awards.models import ENDED, Award, AwardSample, AwardState, Part, SecondCheck
from server.kernel import audit, clock, outbox
from server.kernel.errors import DomainError, found
from server.kernel.paging import Page, Sort, page
from server.kernel.statements import select
from server.kernel.transactions import transaction
from server.organisations import current
from server.organisations.roles import Role
from server.people.service import Decider

NEWEST_FIRST = Sort("id", parse=UUID)
_UNDRAWN = "programme = $1 AND year = $2 AND state = $3 AND sample_id IS NULL ORDER BY id"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which draws; None is any."""

    programme: str | None = None
    year: int | None = None


class Verdict(StrEnum):
    """What comes of looking again."""

    PASS = "pass"  # noqa: S105 -- not a password
    FAIL = "fail"


@transaction
async def draw(programme: str, year: int, by: UUID) -> AwardSample:
    """Draw from the reviewed awards of a programme and year that no draw covered yet, by a seed that nobody chooses.

    Raises DomainError 403 for who may not, 409 where there are none.
    """
    await deciders.require_either(by)
    awards = await select(Award, _UNDRAWN, programme, year, AwardState.REVIEWED, hold=True)
    if not awards:
        raise DomainError("nothing_to_draw", 409)
    made = await AwardSample.create(
        programme=programme,
        year=year,
        seed=secrets.token_hex(16),
        population=len(awards),
        size=rules.in_force().second_check.size(len(awards)),
        drawn_by_id=by,
        drawn_at=clock.now(),
    )
    await _mark(awards, made, by)
    subject = f"award_sample:{made.id}"
    await audit.note(subject, "award_sample.drawn", actor_id=by)
    await outbox.record("sample.drawn", subject, sorted({*await current.staff(Role.REVIEWER)} - {by}))
    return made


def drawn(ids: Iterable[UUID], seed: str, size: int) -> list[UUID]:
    """Return those of some awards that a seed draws: whose SHA-256 of seed and id, both as text, come first."""
    return sorted(ids, key=lambda one: hashlib.sha256(f"{seed}{one}".encode()).digest())[:size]


async def sample(sample_id: UUID) -> AwardSample:
    """Return a draw; raises DomainError 404."""
    return found(await AwardSample.get_or_none(id=sample_id), "award_sample")


async def members(sample_id: UUID) -> list[UUID]:
    """Return the awards that a draw covered, in the order in which its seed puts them: the first are the drawn ones."""
    made = await sample(sample_id)
    ids: list[UUID] = await Award.filter(sample_id=sample_id).values_list("id", flat=True)  # type: ignore[assignment]  # a list of one column
    return drawn(ids, made.seed, len(ids))


async def samples(chosen: Chosen, limit: int, cursor: str | None) -> Page[AwardSample]:
    """Return a page of draws, the newest first."""
    wanted = {"programme": chosen.programme, "year": chosen.year}
    said = {name: value for name, value in wanted.items() if value is not None}
    return await page(AwardSample.filter(**said), NEWEST_FIRST, limit, cursor)


async def waiting(made: Sequence[AwardSample]) -> Mapping[UUID, int]:
    """Return of each of these draws how many of the drawn awards still have to be looked at again; one statement."""
    rows = Award.filter(sample_id__in=[one.id for one in made], second_check=SecondCheck.WAITING)
    left = rows.exclude(state__in=ENDED).annotate(awards=Count("id")).group_by("sample_id")
    counted = {UUID(str(one)): count for one, count in await left.values_list("sample_id", "awards")}
    return {one.id: counted.get(one.id, 0) for one in made}


async def require(awards: Collection[Award], programme: str, year: int) -> None:
    """Raise DomainError 409 where draws have to cover these awards, because so many are proposed of the year.

    Those that are not reviewed yet count as well, so that nobody gets round it by publishing them in parts.
    """
    if all(one.sample_id for one in awards):
        return
    of_year = Q(publication_id__isnull=False) | ~Q(state__in=list(ENDED))
    above = rules.in_force().second_check.above
    if await Award.filter(of_year, programme=programme, year=year).count() > above:
        raise DomainError("sample_missing", 409, above=above)


@transaction
async def check(award_id: UUID, verdict: Verdict, by: Decider, version: int | None = None) -> Award:
    """Say what came of looking at a drawn award again; one that fails is held. Return it.

    Raises DomainError 403 for who may not, has an interest of their own or another part in it; 404; 409 where nothing
    is to be looked at; 412 where `version` is given and it has another by now.
    """
    held = await holding.hold(award_id, version)
    (await deciders.standing(by.person_id, [held])).require(deciders.EITHER, [held])
    if held.state is not AwardState.REVIEWED:
        raise grounds.wrong_state(held).error
    if held.second_check is not SecondCheck.WAITING:
        raise DomainError("nothing_to_check", 409)
    if await deciders.claim([held.id], by.person_id, Part.SECOND_CHECK):
        raise DomainError("another_part", 403)
    await holding.write([_checked(held, verdict)], by.person_id, by.reason, tell=verdict is Verdict.FAIL)
    return held


def _checked(held: Award, verdict: Verdict) -> Change:
    before = held.state
    if verdict is Verdict.PASS:
        held.second_check = SecondCheck.PASSED
        return Change(held, before, "second_checked")
    held.second_check = SecondCheck.FAILED
    holding.enter(held, AwardState.HELD)
    return Change(held, before, "held", ("second_check",))


async def _mark(awards: Sequence[Award], made: AwardSample, by: UUID) -> None:
    chosen = set(drawn([one.id for one in awards], made.seed, made.size))
    for one in awards:
        one.sample_id = made.id
        if one.id in chosen:
            one.second_check = SecondCheck.WAITING
    await holding.write([Change(one, one.state, "drawn") for one in awards if one.id in chosen], by, tell=False)
    await holding.put([one for one in awards if one.id not in chosen])
