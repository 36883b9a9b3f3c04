"""For which organisation somebody acts, where a request may leave it out."""

from uuid import UUID

from server.access.rules import Caller, holders
from server.kernel.errors import FieldFault, invalid
from server.organisations.roles import Kind, Role


def organisation(caller: Caller, role: Role, kind: Kind, named: UUID | None) -> UUID:
    """Return the organisation of `kind` that is named, or the only one in which the caller holds `role`.

    Raises DomainError 422 at `/organisation` for one in which they do not, and where it must be said which.
    """
    fitting = _fitting(caller, role, kind)
    if named is None and len(fitting) != 1:
        raise invalid(FieldFault("/organisation", "organisation_unsaid"))
    if named is not None and named not in fitting:
        raise invalid(FieldFault("/organisation", "organisation_not_yours"))
    return named or fitting.pop()


def organisations(caller: Caller, role: Role, kind: Kind, named: UUID | None) -> set[UUID]:
    """Return the organisation of `kind` that is named, or all in which the caller holds `role`.

    Raises DomainError 422 as `organisation` does.
    """
    return {organisation(caller, role, kind, named)} if named else _fitting(caller, role, kind)


def _fitting(caller: Caller, role: Role, kind: Kind) -> set[UUID]:
    roles = holders(role)
    return {post.organisation_id for post in caller.posts if post.kind is kind and post.role in roles}
