"""A school puts right what it mistyped of a student who is only listed as yet; later it voids and lists anew."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from server.enrolments import life
from server.enrolments.models import Enrolment, EnrolmentState
from server.enrolments.sealed import cell, name_of
from server.enrolments.service import subject_of
from server.kernel import audit, outbox, sensitive
from server.kernel.errors import DomainError
from server.kernel.transactions import transaction
from server.organisations import current

PLAIN = ("level", "major", "repeating")
"""What may be put right besides the name. The first day is not among it: what was made known holds from it on."""


@transaction
async def amend(enrolment_id: UUID, said: Mapping[str, Any], version: int | None, by: UUID) -> Enrolment:
    """Change what `said` holds of `PLAIN` and `name`, a Sensitive one; return the enrolment.

    Raises DomainError 404, 409 for a school that is not verified, for who is not only listed, and for another name
    where a reviewer has decided on the one that stands; 412 where it has another version by now.
    """
    enrolment, _student = await life.hold(enrolment_id)
    if version not in {None, enrolment.version}:
        raise DomainError("stale_version", 412)
    await life.require_acting(enrolment.school_id)
    if enrolment.state is not EnrolmentState.LISTED:
        raise DomainError("enrolment_not_listed", 409)
    changed = {name: value for name, value in said.items() if _as_it_is(enrolment)[name] != value}
    if "name" in changed and enrolment.match_verdict:
        raise DomainError("enrolment_name_decided", 409)
    if changed:
        await _write(enrolment, changed, by)
    return enrolment


def _as_it_is(enrolment: Enrolment) -> Mapping[str, Any]:
    return {"name": name_of(enrolment), **{name: getattr(enrolment, name) for name in PLAIN}}


async def _write(enrolment: Enrolment, changed: Mapping[str, Any], by: UUID) -> None:
    columns = {name: value for name, value in changed.items() if name in PLAIN}
    if "name" in changed:
        columns["name_sealed"] = sensitive.seal(cell("name_sealed", enrolment.id), changed["name"])
    enrolment.update_from_dict({**columns, "version": enrolment.version + 1})
    await enrolment.save(update_fields=[*columns, "version"])
    subject, action, state = subject_of(enrolment.id), "enrolment.amended", enrolment.state
    await audit.note(subject, action, actor_id=by, before=state, after=state, fields=sorted(changed))
    await outbox.record(action, subject, (await current.acting([enrolment.school_id]))[enrolment.school_id])
