"""Deciding many awards at once: each is decided alone, by the same rules as a single one, and answers alone."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self
from uuid import UUID

from server.awards import deciders, life, runs, states
from server.awards.life import Decided
from server.awards.models import Award, AwardRun, AwardState, Publication, RunKind
from server.awards.runs import Made, Part
from server.kernel.errors import DomainError, FieldFault, invalid
from server.kernel.jobs.queue import Wakeup
from server.kernel.statements import identity, returned
from server.kernel.transactions import transaction
from server.people.service import Decider

NOT_FOUND = "not_found"
_IN_STATE = (
    "SELECT id FROM (SELECT id FROM award WHERE {where} AND state = ${state} ORDER BY id LIMIT $2) AS state{state}"
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which awards; None is any. `ids` stand alone, and each of them gets its answer.

    Without a `state`, and without ids, only those are meant that are where the verdict can be given.
    """

    programme: str | None = None
    year: int | None = None
    school: UUID | None = None
    state: AwardState | None = None
    publication: UUID | None = None
    ids: Sequence[UUID] | None = None

    @classmethod
    def of(cls, chosen: dict[str, Any]) -> Self:
        """Return a filter as a run keeps it."""
        school, publication, ids = chosen.get("school"), chosen.get("publication"), chosen.get("ids")
        return cls(
            programme=chosen.get("programme"),
            year=chosen.get("year"),
            school=UUID(school) if school else None,
            state=AwardState(chosen["state"]) if chosen.get("state") else None,
            publication=UUID(publication) if publication else None,
            ids=[UUID(one) for one in ids] if ids else None,
        )

    @property
    def kept(self) -> dict[str, Any]:
        """It as a run keeps it."""
        said = {name: value for name, value in asdict(self).items() if value is not None}
        ids = {"ids": [str(one) for one in sorted(set(self.ids))]} if self.ids else {}
        return {**{name: str(value) if isinstance(value, UUID) else value for name, value in said.items()}, **ids}


@transaction
async def decide(chosen: Filter, verb: RunKind, by: Decider, wakeup: Wakeup | None = None) -> AwardRun:
    """Begin to decide all awards of a filter; joins the transaction.

    Raises DomainError 403 for who has no role for it, 422 for a filter that names neither year, publication nor ids,
    or ids and something else.
    """
    if states.role(verb, await deciders.roles(by.person_id)) is None:
        raise DomainError("not_yours_to_do", 403)
    said = set(chosen.kept)
    if not said & {"year", "publication", "ids"}:
        raise invalid(FieldFault("/filter", "filter_empty"))
    if "ids" in said and len(said) > 1:
        raise invalid(FieldFault("/filter/ids", "ids_alone"))
    chosen = await _narrowed(chosen)
    total = len(set(chosen.ids)) if chosen.ids else await _count(chosen, verb)
    return await runs.begin(verb, chosen.kept, total, by, wakeup)


async def part(run: AwardRun, most: int) -> Part:
    """Decide the next part of a held run, of at most so many awards."""
    chosen, reached = Filter.of(run.chosen), run.reached or runs.FIRST
    some = _named(chosen.ids, reached, most) if chosen.ids else await _behind(chosen, run.kind, reached, most)
    if not some:
        return Part((), None, more=False)
    decided = {one.award.id: one for one in await life.decide(some, run.kind, Decider(run.actor_id, run.reason))}
    made = [_made(award_id, decided.get(award_id)) for award_id in some]
    return Part(made, some[-1], more=len(some) == most)


def _made(award_id: UUID, decided: Decided | None) -> Made:
    if decided is None:
        return Made(award_id, code=NOT_FOUND, verdict={"facts": {"what": "award"}})
    if decided.code:
        facts = {"facts": dict(decided.params)} if decided.params else None
        return Made(award_id, award_id, code=decided.code, verdict=facts)
    return Made(award_id, award_id, decided.award.state)


def _named(ids: Sequence[UUID], reached: UUID, most: int) -> list[UUID]:
    return [one for one in sorted(set(ids)) if one > reached][:most]


async def _narrowed(chosen: Filter) -> Filter:
    """Return a filter by a publication with that one's programme and year, for which there is an index in order."""
    if chosen.publication is None:
        return chosen
    row = await Publication.get_or_none(id=chosen.publication)
    if row is None:
        raise invalid(FieldFault("/filter/publication", "publication_unknown"))
    return Filter(
        programme=chosen.programme or row.programme or None,
        year=row.year if chosen.year is None else chosen.year,
        school=chosen.school,
        state=chosen.state,
        publication=row.id,
    )


async def _count(chosen: Filter, verb: RunKind) -> int:
    return await Award.filter(**_columns(chosen), state__in=_states(chosen, verb)).count()


async def _behind(chosen: Filter, verb: RunKind, reached: UUID, most: int) -> list[UUID]:
    """Return the next awards of a filter by their ids.

    Each state is asked by itself: then every index that there is for a filter is in the order of the ids.
    """
    values: list[Any] = [reached, most]
    conditions = ["id > $1"]
    for column, value in _columns(chosen).items():
        values.append(value)
        conditions.append(f"{column} = ${len(values)}")
    parts = []
    for state in _states(chosen, verb):
        values.append(state)
        parts.append(_IN_STATE.format(where=" AND ".join(conditions), state=len(values)))
    rows = await returned(f"{' UNION ALL '.join(parts)} ORDER BY id LIMIT $2", *values)
    return [identity(row["id"]) for row in rows]


def _columns(chosen: Filter) -> dict[str, Any]:
    """Return what a filter says of columns other than the state."""
    wanted = {
        "year": chosen.year,
        "programme": chosen.programme,
        "payee_id": chosen.school,
        "publication_id": chosen.publication,
    }
    return {column: value for column, value in wanted.items() if value is not None}


def _states(chosen: Filter, verb: RunKind) -> list[AwardState]:
    return [chosen.state] if chosen.state else sorted(states.TABLE[verb].states)
