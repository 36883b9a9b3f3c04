"""Who may call what: what a route asks, who is calling, and the question put to `server.access.rules`."""

import hmac
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from sanic import Request

from server.access.rules import Caller, Decision, Owner, Right, decide, holders
from server.kernel.errors import DomainError, not_found
from server.organisations.roles import Kind, Role

OwnerOf = Callable[..., Awaitable[Owner]]
"""Takes path arguments of the route by their names and returns to whom the thing belongs; raises its 404."""
_SCHEME = "bearer "


class Access(StrEnum):
    """What a route asks of its caller."""

    PUBLIC = "public"
    """Anyone; says so on purpose."""
    OPERATOR = "operator"
    """Whoever runs the system: the bearer of `YZT_METRICS_TOKEN`, or anyone where none is set."""
    SIGNED_IN = "signed_in"
    """A person with a session; `request.ctx.caller` is a `server.access.rules.Caller`."""


@dataclass(frozen=True, slots=True)
class Permission:
    """The statement of one route: what it asks, and where it asks rights, one of which is enough."""

    access: Access
    rights: tuple[Right, ...] = ()
    owner: OwnerOf | None = None
    owner_arguments: tuple[str, ...] = ()

    @classmethod
    def of(cls, who: tuple[Access | Role | Right, ...], kind: Kind | None, owner: OwnerOf | None) -> Self:
        """Return the statement of `@allow(*who, of=kind, owner=owner)`; raises TypeError for one without sense."""
        accesses = [item for item in who if isinstance(item, Access)]
        rights = tuple(_right(item, kind) for item in who if not isinstance(item, Access))
        if len(accesses) + bool(rights) != 1 or (accesses and (kind or owner)):
            raise TypeError("a route states one Access and nothing beside it, or rights")
        if accesses:
            return cls(accesses[0])
        if owner is None and any(right.own for right in rights):
            raise TypeError("an own(...) right needs owner=, which tells to whom the thing belongs")
        arguments = tuple(inspect.signature(owner).parameters) if owner else ()
        return cls(Access.SIGNED_IN, rights, owner, arguments)

    @property
    def sees_everything(self) -> bool:
        """Whether only the secretariat may call, before which nothing is hidden."""
        return bool(self.rights) and all(right.role and right.role.of_secretariat for right in self.rights)

    def tells_owner(self, parameters: Mapping[str, str]) -> bool:
        """Whether a route with these path parameters, name to kind, says to whom a thing with an id belongs.

        What anyone may see belongs to nobody, and before the secretariat nothing is hidden.
        """
        if self.owner:
            return bool(self.owner_arguments) and set(self.owner_arguments) <= set(parameters)
        open_to_all = self.access is not Access.SIGNED_IN or self.sees_everything
        return open_to_all or not any(name.endswith("id") or kind == "uuid" for name, kind in parameters.items())

    @property
    def words(self) -> str:
        """Who may call, in words for the document."""
        if not self.rights:
            return _WORDS[self.access]
        return "For " + ", or ".join(_words(right) for right in self.rights)


async def authorise(request: Request, permission: Permission, arguments: Mapping[str, Any]) -> UUID | str:
    """Return under whose name idempotency keys are kept; set `request.ctx.caller` where a person calls.

    Raises DomainError 401 for no or a bad token, 403 for what is not theirs to do, and for what is not theirs to see
    the very 404 of a thing that does not exist. Not for public routes, which cost nothing.
    """
    if permission.access is Access.OPERATOR:
        _require_operator(request)
        return permission.access.value
    caller = request.ctx.caller = await _caller(request)
    if permission.rights:
        await _require_right(permission, caller, arguments)
    return caller.person_id


async def visitor(request: Request) -> Caller | None:
    """Return who calls a public route, None for anyone without a token in force."""
    try:
        return await _caller(request) if "authorization" in request.headers else None
    except DomainError:
        return None


def _require_operator(request: Request) -> None:
    token: str = request.app.ctx.settings.metrics_token
    if token and not hmac.compare_digest(_token(request).encode(errors="surrogateescape"), token.encode()):
        raise DomainError("not_signed_in", 401)


async def _caller(request: Request) -> Caller:
    token = _token(request)
    if not token:
        raise DomainError("not_signed_in", 401)
    callers = request.app.ctx.callers
    caller: Caller = callers.known(token) or await callers.of(token)
    return caller


async def _require_right(permission: Permission, caller: Caller, arguments: Mapping[str, Any]) -> None:
    owner = None
    if permission.owner:
        owner = await permission.owner(**{name: arguments[name] for name in permission.owner_arguments})
    decision = decide(permission.rights, caller, owner)
    if decision is Decision.UNSEEN and owner:
        raise not_found(owner.noun)
    if decision is not Decision.ALLOWED:
        raise DomainError("not_yours_to_do", 403)


def _token(request: Request) -> str:
    """Return what stands behind `Bearer`; Sanic's own reader takes the word wherever it is, and other schemes too."""
    header = request.headers.get("authorization", "")
    return header[len(_SCHEME) :] if header[: len(_SCHEME)].lower() == _SCHEME else ""


def _right(item: Access | Role | Right, kind: Kind | None) -> Right:
    if isinstance(item, Role):
        return Right(item, frozenset({kind}) if kind else frozenset())
    if kind or not isinstance(item, Right):
        raise TypeError("of= belongs to roles alone")
    return item


_WORDS = {
    Access.PUBLIC: "For anyone",
    Access.OPERATOR: "For whoever runs the system",
    Access.SIGNED_IN: "For anyone signed in",
}


def _words(right: Right) -> str:
    if right.role is None:
        return "the person whom it concerns" if right.own else "anyone signed in"
    roles = " or ".join(sorted(holders(right.role)))
    if right.role.of_secretariat:
        return f"{roles} of the secretariat" + (" where it is the secretariat's" if right.own else "")
    kinds = " or ".join(sorted(right.kinds)) or "organisation"
    return f"{roles} of the {kinds} that it belongs to" if right.own else f"{roles} of any {kinds}"
