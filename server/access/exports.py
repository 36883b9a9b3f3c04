"""Who takes a whole list away as a file: it says so in the file, and the audit does."""

from server.access.rules import Caller
from server.kernel import audit
from server.organisations.models import Organisation
from server.people import service as people


async def taken(caller: Caller, what: str, form: str) -> str:
    """Note that a caller takes the list `what` in some form, and return who that is: an office and a masked name."""
    by = caller.person_id
    await audit.note(f"person:{by}", "list.exported", actor_id=by, after=form, fields=[what])
    return await who(caller)


async def who(caller: Caller) -> str:
    """Return who takes a file, as it stands in the file: an office and a masked name."""
    offices = await Organisation.filter(id__in=[post.organisation_id for post in caller.posts]).order_by("id")
    name = people.readable_name(await people.person(caller.person_id))
    return " ".join(["、".join(office.name for office in offices), name.masked if name else ""]).strip()
