"""Proposing awards: the rules run over confirmed claims, or stated cases, as of the day that each is about.

It decides nothing: what the rules say is kept with their version, the facts, and who had them run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from server.awards import book, cases, claims, making, owing, rules, runs
from server.awards.cases import Case
from server.awards.models import ENDED, Award, AwardRun, RunKind
from server.awards.rules import From, Source
from server.awards.runs import Made, Part
from server.kernel.errors import DomainError, FieldFault, found, invalid
from server.kernel.jobs.queue import Wakeup
from server.kernel.transactions import transaction
from server.people.service import Decider
from server.policy.programmes import Programme
from server.referrals.models import Referral, ReferralState


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to propose: a programme's awards of a year.

    `exceptions` are claims, by id, for which an award may stand beside another one of the student, and why; `cases`
    are those whose facts are stated.
    """

    programme: str
    year: int
    exceptions: Mapping[UUID, str] = field(default_factory=dict)
    cases: Sequence[Case] = ()


@transaction
async def propose(wanted: Wanted, by: Decider, wakeup: Wakeup | None = None) -> AwardRun:
    """Begin to propose awards; joins the transaction.

    Raises DomainError 404 for an unknown programme, 409 for one of which nothing is paid here, 422 for cases where the
    data knows, for none where it does not, and for what is wrong with a case or an exception.
    """
    programme, source = payable(wanted.programme)
    if source.origin is From.STATED:
        total = await _check_cases(wanted, programme, source)
    else:
        total = await _check_claims(wanted)
    chosen = {
        "programme": wanted.programme,
        "year": wanted.year,
        "exceptions": {str(claim): reason for claim, reason in wanted.exceptions.items()},
        "cases": [case.kept for case in wanted.cases],
    }
    return await runs.begin(RunKind.PROPOSE, chosen, total, by, wakeup)


def payable(name: str) -> tuple[Programme, Source]:
    """Return a programme of which awards are paid, and from what.

    Raises DomainError 404, 409 for one that is not current, names no amount, or is not among those of the rules.
    """
    programme = found(book.in_force().programmes.get(name), "programme")
    source = rules.in_force().sources.get(name)
    amounts = (amount for version in programme.versions for amount in version.amounts)
    if source is None or programme.standing != "current" or not any(amount.amount_fen for amount in amounts):
        raise DomainError("programme_not_payable", 409)
    return programme, source


async def part(run: AwardRun, most: int) -> Part:
    """Do the next part of a held run that proposes, of at most so many things."""
    programme, year = run.chosen["programme"], int(run.chosen["year"])
    if run.chosen["cases"]:
        kept = _cases_behind(run, most)
        made = await making.make(run, programme, year, await cases.candidates(kept, programme, year))
        return Part(made, made[-1].subject_id if made else None, more=len(kept) == most)
    some = await claims.behind(year, run.reached or runs.FIRST, most)
    if not some:
        return Part((), None, more=False)
    return Part(await _of_claims(run, programme, year, some), some[-1].id, more=len(some) == most)


async def pass_over(run: AwardRun) -> Part:
    """Pass over the next thing of a held run, of which the database takes no award: another one is in its way."""
    if run.chosen["cases"]:
        subjects = [UUID(one["id"]) for one in _cases_behind(run, 1)]
    else:
        subjects = [one.id for one in await claims.behind(int(run.chosen["year"]), run.reached or runs.FIRST, 1)]
    made = [Made(one, code=making.AWARDED_OTHERWISE) for one in subjects]
    return Part(made, subjects[-1] if subjects else None, more=bool(subjects))


def _cases_behind(run: AwardRun, most: int) -> list[Mapping[str, Any]]:
    left = (one for one in run.chosen["cases"] if UUID(one["id"]) > (run.reached or runs.FIRST))
    return sorted(left, key=lambda one: UUID(one["id"]))[:most]


async def _of_claims(run: AwardRun, programme: str, year: int, some: Sequence[Referral]) -> list[Made]:
    exceptions = {UUID(claim): reason for claim, reason in run.chosen["exceptions"].items()}
    _, source = payable(programme)
    return await making.make(run, programme, year, await claims.candidates(some, programme, source, exceptions))


async def _check_cases(wanted: Wanted, programme: Programme, source: Source) -> int:
    if wanted.exceptions:
        raise invalid(FieldFault("/exceptions", "from_cases"))
    if not wanted.cases:
        raise invalid(FieldFault("/cases", "cases_needed"))
    await cases.check(wanted.cases, programme, source, wanted.year)
    return len(wanted.cases)


async def _check_claims(wanted: Wanted) -> int:
    """Return how many claims there are to look at."""
    if wanted.cases:
        raise invalid(FieldFault("/cases", "from_claims"))
    confirmed = Referral.filter(year=wanted.year, state=ReferralState.CONFIRMED)
    named = list(wanted.exceptions)
    known = {row.id for row in await confirmed.filter(id__in=named).only("id")} if named else set()
    awarded = Award.filter(referral_id__in=named, programme=wanted.programme).exclude(state__in=ENDED)
    live = await awarded if named else []
    back = await owing.come_back(live)
    known -= {award.referral_id for award in live if award.referral_id and award.id not in back}
    places = [place for place, claim in enumerate(named) if claim not in known]
    if places:
        raise invalid(*(FieldFault(f"/exceptions/{place}/referral", "exception_unfit") for place in places))
    return await confirmed.count()
