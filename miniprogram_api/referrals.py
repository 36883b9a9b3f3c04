"""Referrals: the students that a feeder school says it sent."""

from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.idempotent import made
from miniprogram_api.people import decider
from miniprogram_api.reading import Body
from miniprogram_api.referral_bodies import Correction, NewReferral, ReferralChanges
from miniprogram_api.representation import FixedResponse
from miniprogram_api.web import Face, allow, answer, answers, body, idempotent, if_match
from server.access import acting, owners
from server.access.rules import own
from server.enrolments.models import EnrolmentState, Intake, Level
from server.kernel.errors import found
from server.kernel.sensitive import Sensitive, if_readable
from server.organisations.models import Organisation
from server.organisations.roles import STAFF, Kind, Role
from server.referrals import correction, lists, sealed, service
from server.referrals.models import Referral, ReferralState
from server.referrals.terms import schools, terms
from server.students.sealed import number_of

referrals = Face("referrals", url_prefix="/referrals")
CLERK = own(Role.CLERK, of=Kind.FEEDER_SCHOOL)


class SchoolView(Body):
    """A school, as far as a referral names it."""

    id: UUID
    name: str

    @classmethod
    def of(cls, school: Organisation) -> Self:
        """Return the view of a school."""
        return cls(id=school.id, name=school.name)


class ReferredStudentView(Body):
    """The student of a referral, masked, by the name that the school gave; null is what cannot be read."""

    id: UUID
    name: Sensitive | None
    id_number: Sensitive | None

    @classmethod
    def of(cls, row: Referral) -> Self:
        """Return the view of the student of a claim that was fetched with it."""
        name, number = if_readable(sealed.name_of, row), if_readable(number_of, row.student)
        return cls(id=row.student_id, name=name, id_number=number)


class FoundEnrolmentView(Body):
    """The enrolment by which a referral is matched."""

    id: UUID
    school: SchoolView
    state: EnrolmentState
    level: Level


class ReferralView(Body):
    """A referral; names and phones are masked, and null where none is or it cannot be read.

    `flags` are what somebody should look at, and with `needs_check` a reviewer must. `in_dispute` says that another
    school claims the student too, of which nothing more is told; `evidence_until` is the last day for evidence;
    `enrolment_to_check` one under another name, on which a reviewer decides by a match-decision; `lost_to_another` that
    a reviewer gave the student to another school. `version` counts writes and is the ETag.
    """

    id: UUID
    number: str
    state: ReferralState
    year: int
    intake: Intake
    student: ReferredStudentView
    school: SchoolView
    named_school: SchoolView | None
    level: Level | None
    phone: Sensitive | None
    guardian_name: Sensitive | None
    guardian_phone: Sensitive | None
    guardian_consent_on: date | None
    class_name: str
    flags: list[str]
    needs_check: bool
    in_dispute: bool
    evidence_until: date | None
    enrolment: FoundEnrolmentView | None
    enrolment_to_check: UUID | None
    lost_to_another: bool
    created_at: datetime
    state_since: datetime
    version: int

    @classmethod
    def of(cls, row: Referral) -> Self:
        """Return the view of a row that came from `lists.shown`."""
        more: dict[str, Any] = {
            "student": ReferredStudentView.of(row),
            "school": SchoolView.of(row.school),
            "named_school": row.named_school and SchoolView.of(row.named_school),
            "phone": if_readable(sealed.phone_of, row),
            "guardian_name": if_readable(sealed.guardian_name_of, row),
            "guardian_phone": if_readable(sealed.guardian_phone_of, row),
            "in_dispute": bool(row.in_dispute),  # type: ignore[attr-defined]  # annotated by the list
            "enrolment": _enrolment(row),
            "enrolment_to_check": None if _matched(row) else row.enrolment_id,
            "lost_to_another": row.winner_id is not None,
        }
        return cls(**more, **{name: getattr(row, name) for name in cls.model_fields if name not in more})


def _enrolment(row: Referral) -> FoundEnrolmentView | None:
    if row.enrolment is None or not _matched(row):
        return None
    same = {name: getattr(row.enrolment, name) for name in ("id", "state", "level")}
    return FoundEnrolmentView(school=SchoolView.of(row.enrolment.school), **same)


def _matched(row: Referral) -> bool:
    return row.state in {ReferralState.MATCHED, ReferralState.CONFIRMED}


async def shown(referral: Referral, status: int = 200) -> FixedResponse:
    """Answer with a referral and its ETag, as a handler that made or changed it."""
    return await _shown(referral.id, status)


async def again(_request: Request, referral_id: str) -> HTTPResponse:
    """Answer again with a referral that was changed."""
    return await _shown(UUID(referral_id))


async def _registered_again(_request: Request, referral_id: str) -> HTTPResponse:
    return await _shown(UUID(referral_id), 201)


async def _shown(referral_id: UUID, status: int = 200) -> FixedResponse:
    return _told(found(await lists.shown(Referral.filter(id=referral_id)).first(), "referral"), status)


def _told(row: Referral, status: int) -> FixedResponse:
    return made(answer(ReferralView.of(row), status, row.version), str(row.id))


@referrals.post("/")
@allow(Role.CLERK, of=Kind.FEEDER_SCHOOL)
@idempotent(_registered_again)
@body(NewReferral)
@answers(201, ReferralView)
async def register(request: Request, body: NewReferral) -> HTTPResponse:
    """Register a student whom one's school sends; one whom another school claims too is stored in dispute."""
    caller = request.ctx.caller
    school_id = acting.organisation(caller, Role.CLERK, Kind.FEEDER_SCHOOL, body.organisation)
    holding = await terms(body.year, body.intake, naming=body.named_school is not None)
    claim = body.claim(holding, request.app.ctx.id_regions)
    result = await service.register(school_id, claim, by=caller.person_id)
    if result.row:
        return _told(await lists.complete(result.row), 201)
    return await _shown(found(result.referral_id, "referral"), 201)


@referrals.get("/<referral_id:uuid>")
@allow(CLERK, *STAFF, owner=owners.referral)
@answers(200, ReferralView)
async def referral(_request: Request, referral_id: UUID) -> HTTPResponse:
    """Show one referral."""
    return await _shown(referral_id)


@referrals.patch("/<referral_id:uuid>")
@allow(CLERK, owner=owners.referral)
@if_match(required=True)
@body(ReferralChanges)
@answers(200, ReferralView)
async def amend(request: Request, referral_id: UUID, body: ReferralChanges, version: int | None) -> HTTPResponse:
    """Change what is said of a student besides who it is; null takes a value away."""
    said = body.said(await schools())
    return await shown(await correction.amend(referral_id, said, version, request.ctx.caller.person_id))


@referrals.post("/<referral_id:uuid>/correct")
@allow(CLERK, Role.REVIEWER, owner=owners.referral)
@idempotent(again)
@if_match(required=False)
@body(Correction)
@answers(200, ReferralView)
async def correct(request: Request, referral_id: UUID, body: Correction, version: int | None) -> HTTPResponse:
    """Put right whose ID number a referral has, or how the name is written; it may come into a dispute thereby."""
    by = decider(request, body)
    right = body.right(request.app.ctx.id_regions)
    return await shown(await correction.correct(referral_id, right, by, version))
