"""The secretariat: the one organisation that everything else begins with."""

from uuid import UUID

from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.transactions import transaction
from server.organisations import memberships
from server.organisations.models import Membership, Organisation, OrganisationState
from server.organisations.roles import Kind, Role

SECRETARIAT_ID = UUID("01900000-0000-7000-8000-000000000001")
"""The same everywhere: the database itself then keeps there from being two."""
NAME, REGION = "安庆职业教育集团秘书处", "340800"


@transaction
async def secretariat() -> Organisation:
    """Return the secretariat, made where there is none yet, and held until the transaction ends."""
    found = await Organisation.filter(id=SECRETARIAT_ID).select_for_update().get_or_none()
    return found or await Organisation.create(
        id=SECRETARIAT_ID,
        kind=Kind.SECRETARIAT,
        name=NAME,
        region=REGION,
        state=OrganisationState.VERIFIED,
        created_at=clock.now(),
    )


@transaction
async def make_admin(person_id: UUID, *, another: bool = False) -> Membership:
    """Make a person who has signed in once an administrator, as whoever runs the system.

    Raises DomainError 404 for an unknown person, 409 where an administrator may act and `another` is not asked for.
    """
    organisation = await secretariat()
    if not another and await memberships.leading(organisation.id):
        raise DomainError("administrator_exists", 409)
    lasting = Membership.filter(organisation=organisation, person_id=person_id, ended_at=None)
    if membership := await lasting.get_or_none():
        return await memberships.change_role(membership.id, Role.ADMIN, by=None)
    return await memberships.join(organisation.id, person_id, Role.ADMIN, by=None)
