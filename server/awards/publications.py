"""Making reviewed awards public: as figures of each school, for some days, during which anybody may object."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from server.awards import deciders, holding, rules, samples, states
from server.awards.holding import Change
from server.awards.models import Award, AwardState, Publication, PublicationFigure, SecondCheck
from server.kernel import audit, bulk, clock, outbox
from server.kernel.errors import DomainError, found
from server.kernel.ids import new_id
from server.kernel.outbox import Occurrence
from server.kernel.paging import Page, Sort, page
from server.kernel.statements import select
from server.kernel.transactions import transaction
from server.organisations import current

NEWEST_FIRST = Sort("id", parse=UUID)
_REVIEWED = "year = $1 AND state = $2 AND (programme = $3 OR $3 = '') ORDER BY id"
"""All of them at once: everyone holds awards in the order of their ids."""
_UNCHECKED = (AwardState.PROPOSED, AwardState.REVIEWED, AwardState.HELD)
"""In which a drawn award can still be looked at again before it is public."""


@transaction
async def publish(year: int, programme: str | None, by: UUID) -> list[Publication]:
    """Publish all reviewed awards of a year, of one programme or of each; return how.

    Raises DomainError 403 for who may not, or has an interest of their own in one of them; 409 where there are none,
    a sample has to be drawn first, or a drawn one has not been looked at again.
    """
    await deciders.require_either(by)
    awards: dict[str, list[Award]] = {programme: []} if programme else {}
    for one in await select(Award, _REVIEWED, year, states.REVIEWED, programme or "", hold=True):
        awards.setdefault(one.programme, []).append(one)
    now = clock.now()
    made = [found for name in sorted(awards) if (found := await _publish(name, year, awards[name], by, now))]
    if not made:
        raise DomainError("nothing_to_publish", 409)
    return made


async def publication(publication_id: UUID) -> Publication:
    """Return a publication; raises DomainError 404."""
    return found(await Publication.get_or_none(id=publication_id), "publication")


async def made_with(publication_id: UUID) -> list[Publication]:
    """Return a publication and those that were made with it; raises DomainError 404."""
    one = await publication(publication_id)
    return await Publication.filter(made_by_id=one.made_by_id, made_at=one.made_at).order_by("id")


async def publications(year: int | None, limit: int, cursor: str | None) -> Page[Publication]:
    """Return a page of publications, the newest first."""
    rows = Publication.all() if year is None else Publication.filter(year=year)
    return await page(rows, NEWEST_FIRST, limit, cursor)


async def figures(made: Sequence[Publication]) -> Mapping[UUID, list[PublicationFigure]]:
    """Return by publication what it says of each school, with the school, by its name."""
    rows = PublicationFigure.filter(publication_id__in=[one.id for one in made]).select_related("payee")
    said: defaultdict[UUID, list[PublicationFigure]] = defaultdict(list)
    for row in await rows.order_by("payee__name", "id"):
        said[row.publication_id].append(row)
    return said


async def _publish(programme: str, year: int, awards: list[Award], by: UUID, now: datetime) -> Publication | None:
    await _require_checked(programme, year)
    if not awards:
        return None
    await _require_outsider(awards, by)
    await samples.require(awards, programme, year)
    today = clock.today()
    made = await Publication.create(
        programme=programme,
        year=year,
        starts_on=today,
        ends_on=rules.in_force().publication.end(today),
        made_by_id=by,
        made_at=now,
    )
    for one in awards:
        one.publication_id = made.id
        holding.enter(one, AwardState.PUBLICISED)
    await holding.write([Change(one, AwardState.REVIEWED, "publicised") for one in awards], by, tell=False)
    await _tell(made, awards)
    return made


async def _require_checked(programme: str, year: int) -> None:
    """Raise DomainError 409 while a drawn award waits for its second look; one in doubt waits for something else."""
    drawn = Award.filter(programme=programme, year=year, second_check=SecondCheck.WAITING, doubt="")
    if await drawn.filter(state__in=_UNCHECKED).exists():
        raise DomainError("second_check_waiting", 409)


async def _tell(made: Publication, awards: Sequence[Award]) -> None:
    by_payee: defaultdict[UUID, list[int]] = defaultdict(list)
    for one in awards:
        by_payee[one.payee_id].append(one.amount_fen)
    figures = [
        bulk.fresh(
            PublicationFigure,
            id=new_id(),
            publication_id=made.id,
            payee_id=payee_id,
            awards=len(amounts),
            amount_fen=sum(amounts),
        )
        for payee_id, amounts in sorted(by_payee.items())
    ]
    await bulk.insert(figures)
    people = await current.acting(by_payee)
    await audit.note(f"publication:{made.id}", "publication.made", actor_id=made.made_by_id)
    await outbox.record_many(
        Occurrence("publication.made", f"publication_figure:{one.id}", people[one.payee_id]) for one in figures
    )


async def _require_outsider(awards: Sequence[Award], person_id: UUID) -> None:
    """Raise DomainError 403 for who has an interest of their own in one of these awards."""
    if (await deciders.standing(person_id, awards)).owned:
        raise DomainError("decides_for_own", 403)
