"""People as others meet them, and their suspension."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints
from sanic import HTTPResponse, Request

from miniprogram_api.idempotent import made
from miniprogram_api.reading import IMPERSONAL, Body
from miniprogram_api.representation import FixedResponse
from miniprogram_api.web import Face, allow, answer, answers, body, idempotent
from server.access import suspensions
from server.organisations import current
from server.organisations.models import Membership, Organisation
from server.organisations.roles import Kind, Role
from server.people import service
from server.people.models import Person, PersonState

people = Face("people")


class OrganisationName(Body):
    """An organisation, as far as a membership names it."""

    id: UUID
    name: str
    kind: Kind

    @classmethod
    def of(cls, organisation: Organisation) -> Self:
        """Return the view of an organisation."""
        return cls(id=organisation.id, name=organisation.name, kind=organisation.kind)


class MembershipView(Body):
    """A role in an organisation; by its `id` one leaves."""

    id: UUID
    organisation: OrganisationName
    role: Role

    @classmethod
    def of(cls, membership: Membership) -> Self:
        """Return the view of a membership whose organisation was fetched."""
        organisation = OrganisationName.of(membership.organisation)
        return cls(id=membership.id, organisation=organisation, role=membership.role)


class PersonView(Body):
    """A person; `name` is null until they say it, in full to themselves and masked to others."""

    id: UUID
    name: Annotated[str | None, Field(examples=["王小明"])]
    memberships: list[MembershipView]


class JudgedView(PersonView):
    """A person over whom staff decided."""

    state: PersonState


class Reason(Body):
    """Why staff decide so; shown to those concerned and kept for good, so it names nobody."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), IMPERSONAL]


def decider(request: Request, said: Reason) -> service.Decider:
    """Return who decides, and why."""
    return service.Decider(request.ctx.caller.person_id, said.reason)


async def view_of(person: Person) -> PersonView:
    """Return the view of a person for their own eyes."""
    name = service.readable_name(person)
    return PersonView(id=person.id, name=name.reveal() if name else None, memberships=await memberships_of(person))


async def memberships_of(person: Person) -> list[MembershipView]:
    """Return the views of a person's memberships in force."""
    return [MembershipView.of(membership) for membership in await current.memberships(person.id)]


async def _judged(person: Person, state: PersonState) -> FixedResponse:
    name = service.readable_name(person)
    view = JudgedView(
        id=person.id,
        name=name.masked if name else None,
        memberships=await memberships_of(person),
        state=state,
    )
    return made(answer(view), str(person.id))


async def _suspended(_request: Request, person_id: str) -> HTTPResponse:
    """Answer as at first, even if the person was restored since."""
    return await _judged(await service.person(UUID(person_id)), PersonState.SUSPENDED)


async def _restored(_request: Request, person_id: str) -> HTTPResponse:
    return await _judged(await service.person(UUID(person_id)), PersonState.ACTIVE)


@people.post("/people/<person_id:uuid>/suspend")
@allow(Role.REVIEWER, Role.ADMIN)
@idempotent(_suspended)
@body(Reason)
@answers(200, JudgedView)
async def suspend(request: Request, person_id: UUID, body: Reason) -> HTTPResponse:
    """Keep a person from acting, at once and everywhere; over the secretariat's own only administrators decide."""
    suspended = await suspensions.suspend(person_id, request.ctx.caller, body.reason)
    return await _judged(suspended, suspended.state)


@people.post("/people/<person_id:uuid>/restore")
@allow(Role.REVIEWER, Role.ADMIN)
@idempotent(_restored)
@body(Reason)
@answers(200, JudgedView)
async def restore(request: Request, person_id: UUID, body: Reason) -> HTTPResponse:
    """Let a suspended person sign in again."""
    restored = await suspensions.restore(person_id, request.ctx.caller, body.reason)
    return await _judged(restored, restored.state)
