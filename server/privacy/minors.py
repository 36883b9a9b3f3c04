"""The yearly report on minors' data: figures only, nobody's data."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from tortoise.queryset import QuerySet

from server.consents.models import Consent
from server.consents.service import OF_AGE, OWN_CONSENT
from server.enrolments.models import Enrolment
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.privacy.export import LOOKS
from server.privacy.retention import MINOR
from server.referrals.models import Referral
from server.students.models import Student
from server.students.sealed import identity

_CHUNK = 1000
_ABOUT: dict[str, type[Referral | Enrolment]] = {"referral": Referral, "enrolment": Enrolment}
"""Of which kinds each thing is about one student."""


@dataclass(frozen=True, slots=True)
class MinorsReport:
    """One year's figures. Ages are as of `on`, the year's last day or today while it runs.

    `consents` counts by document, scope and capacity what was given in the year for those who are minors by `on`,
    `referrals` the claims that were made on them in the year, `guardian_consents` those with a guardian's consent.
    """

    year: int
    on: date
    under_14: int
    under_18: int
    consents: dict[str, int]
    withdrawals: int
    reveals: int
    deletions: int
    referrals: int
    guardian_consents: int

    @property
    def lines(self) -> list[str]:
        """The report as lines of `name value`."""
        figures = {
            "year": self.year,
            "ages on": self.on,
            "students under 14": self.under_14,
            "students under 18": self.under_18,
            **{f"consents {what}": number for what, number in sorted(self.consents.items())},
            "consents withdrawn": self.withdrawals,
            "full values revealed": self.reveals,
            "students deleted": self.deletions,
            "referrals of minors": self.referrals,
            "guardians' consents with referrals": self.guardian_consents,
        }
        return [f"{name}: {value}" for name, value in figures.items()]


async def report(year: int) -> MinorsReport:
    """Return the figures of a year."""
    first, after = _moments(year)
    on = min(date(year, 12, 31), clock.today())
    born = await _minors(on)
    given, withdrawn = await _consents(set(born), first, after)
    made = AuditEntry.filter(made_at__gte=first, made_at__lt=after)
    sent = [one for one in await _sent(first, after) if one["student_id"] in born]
    return MinorsReport(
        year=year,
        on=on,
        under_14=sum(age < OWN_CONSENT for age in born.values()),
        under_18=len(born),
        consents=dict(given),
        withdrawals=withdrawn,
        reveals=await _reveals(made, set(born)),
        deletions=await made.filter(action="student.deleted", before=MINOR).count(),
        referrals=len(sent),
        guardian_consents=sum(one["guardian_consent_on"] is not None for one in sent),
    )


async def _minors(on: date) -> dict[UUID, int]:
    """Return the age of every student who is a minor on a day, read a chunk at a time."""
    found, last = dict[UUID, int](), UUID(int=0)
    while students := await Student.filter(id__gt=last).order_by("id").limit(_CHUNK):
        ages = {student.id: identity(student).age_on(on) for student in students}
        found |= {student_id: age for student_id, age in ages.items() if age < OF_AGE}
        last = students[-1].id
    return found


async def _consents(minors: set[UUID], first: datetime, after: datetime) -> tuple[Counter[str], int]:
    given = Consent.filter(student_id__isnull=False, given_at__gte=first, given_at__lt=after)
    rows = [one for one in await given if one.student_id in minors]
    withdrawn = Consent.filter(student_id__isnull=False, withdrawn_at__gte=first, withdrawn_at__lt=after)
    ended = [one for one in await withdrawn if one.student_id in minors]
    return Counter(f"{one.document}/{one.scope} {one.capacity}" for one in rows), len(ended)


async def _sent(first: datetime, after: datetime) -> list[dict[str, Any]]:
    made = Referral.filter(created_at__gte=first, created_at__lt=after)
    return await made.values("student_id", "guardian_consent_on")


async def _reveals(made: QuerySet[AuditEntry], minors: set[UUID]) -> int:
    """Return how often somebody looked at a minor's data, or at what a claim or an enrolment says of one."""
    looks = made.filter(action__in=[f"{kind}{LOOKS}" for kind in ("student", *_ABOUT)])
    seen = Counter(_parsed(entry.subject) for entry in await looks.only("id", "subject"))
    students = {("student", student_id) for student_id in minors}
    for kind, model in _ABOUT.items():
        ids = [thing_id for of, thing_id in seen if of == kind]
        about: Any = await model.filter(id__in=ids).values_list("id", "student_id")
        students |= {(kind, thing_id) for thing_id, student_id in about if student_id in minors}
    return sum(times for what, times in seen.items() if what in students)


def _parsed(subject: str) -> tuple[str, UUID]:
    kind, _, rest = subject.partition(":")
    return kind, UUID(rest)


def _moments(year: int) -> tuple[datetime, datetime]:
    first, after = (datetime(number, 1, 1, tzinfo=clock.SHANGHAI).astimezone(UTC) for number in (year, year + 1))
    return first, after
