"""Rows for tests, each with only what the test does not care about filled in."""

from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from server.engagements.models import Engagement, EngagementState
from server.kernel import clock
from server.kernel.jobs.models import Job
from server.kernel.outbox import Event
from server.labour.models import Posting, PostingKind, PostingState, Side
from server.notices.models import Delivery, Notice, Service
from server.organisations.models import Invitation, Membership, Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from server.people import sessions
from server.people.models import Person, Session
from tests.harness.keys import TOKENS

MEMBERS_SINCE = date(2019, 1, 1)
"""Before any student whom a test lets enter."""
_numbers = count()


async def make_event(name: str = "thing.happened", **values: Any) -> Event:
    defaults = {"subject": "thing:1", "people": [], "created_at": clock.now()}
    return await Event.create(name=name, **{**defaults, **values})


async def make_job(kind: str = "work", claimable_at: datetime | None = None, **values: Any) -> Job:
    now = clock.now()
    return await Job.create(
        **{"kind": kind, "payload": {}, "created_at": now, "claimable_at": claimable_at or now, **values}
    )


async def make_person(**values: Any) -> Person:
    return await Person.create(**{"openid": f"person-{next(_numbers)}", "created_at": clock.now(), **values})


async def make_organisation(kind: Kind = Kind.FEEDER_SCHOOL, **values: Any) -> Organisation:
    """An organisation that is verified; of the group where it is a vocational school."""
    defaults = {"name": "江畔中学（示例）", "state": OrganisationState.VERIFIED, "created_at": clock.now()}
    if kind is Kind.VOCATIONAL_SCHOOL:
        defaults["member_since"] = MEMBERS_SINCE
    return await Organisation.create(kind=kind, **{**defaults, **values})


async def make_member(organisation: Organisation, role: Role, person: Person | None = None) -> Membership:
    person = person or await make_person()
    return await Membership.create(organisation=organisation, person=person, role=role, created_at=clock.now())


async def make_invitation(organisation: Organisation, member: Membership) -> Invitation:
    """An invitation under its organisation's id, with a code that nobody knows."""
    now = clock.now()
    return await Invitation.create(
        id=organisation.id,
        organisation=organisation,
        role=member.role,
        code_hash=f"hash-{next(_numbers)}",
        made_by_id=member.person_id,
        created_at=now,
        expires_at=now + timedelta(days=7),
    )


async def make_posting(**values: Any) -> Posting:
    """A posting that is live."""
    now, today = clock.now(), clock.today()
    defaults = {
        "side": Side.DEMAND,
        "kind": PostingKind.SHORT_TERM,
        "title": "采茶工（示例）",
        "region": "340828",
        "headcount": 5,
        "starts_on": today,
        "hours": {},
        "valid_until": today + timedelta(days=30),
        "state": PostingState.LIVE,
        "state_since": now,
        "published_at": now,
        "findings": [],
        "reasons": [],
        "created_at": now,
    }
    return await Posting.create(**{**defaults, **values})


async def make_engagement(posting: Posting, person_id: UUID, **values: Any) -> Engagement:
    """An application for one place, whatever there is to apply for."""
    now = clock.now()
    defaults = {"state": EngagementState.APPLIED, "state_since": now, "completed_by": {}, "paid_by": {}}
    return await Engagement.create(posting=posting, person_id=person_id, created_at=now, **{**defaults, **values})


async def make_notice(person_id: UUID, **values: Any) -> Notice:
    """A notice that is in somebody's inbox, and worth a push for a day."""
    now = clock.now()
    defaults = {
        "kind": "posting.published.owner",
        "version": "2026-11-0",
        "title": "信息已发布",
        "text": "您的信息已经发布。",
        "page": "pages/posting/detail?id=1",
        "expires_at": now + timedelta(days=1),
        "created_at": now,
    }
    return await Notice.create(person_id=person_id, **{**defaults, **values})


async def make_delivery(notice: Notice, template_id: str, **values: Any) -> Delivery:
    """A push of a notice through the mini-program, which nobody has taken yet."""
    now = clock.now()
    defaults = {
        "service": Service.MINI_PROGRAM,
        "template": "test",
        "data": {},
        "state_since": now,
        "due_at": now,
        "expires_at": notice.expires_at,
        "created_at": now,
    }
    person_id = notice.person_id
    return await Delivery.create(notice=notice, person_id=person_id, template_id=template_id, **{**defaults, **values})


async def make_token(person_id: UUID) -> str:
    """An access token of a fresh session."""
    now = clock.now()
    session = await Session.create(person_id=person_id, created_at=now, expires_at=now + sessions.IDLE)
    return TOKENS.issue(person_id, session.id, now)
