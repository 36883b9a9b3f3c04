"""The one place that decides who may call what: values in, a decision out."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from server.organisations.roles import Kind, Role

_INCLUDES = {Role.CLERK: frozenset({Role.CLERK, Role.MANAGER})}


@dataclass(frozen=True, slots=True)
class Post:
    """A role that a caller holds in an organisation, or in what carries it on."""

    organisation_id: UUID
    kind: Kind
    role: Role


@dataclass(frozen=True, slots=True)
class Caller:
    """The person who calls, as the session and its memberships have it at this moment.

    `carried` are the same roles in what was closed into their organisations: what was its own is theirs now, but
    nothing new is begun in its name.
    """

    person_id: UUID
    session_id: UUID
    posts: tuple[Post, ...] = ()
    carried: tuple[Post, ...] = ()

    @property
    def stands_for(self) -> tuple[Post, ...]:
        """Their roles in all organisations whose things are theirs, those among them that were closed."""
        return self.posts + self.carried

    @property
    def of_secretariat(self) -> bool:
        """Whether they work in the secretariat."""
        return any(post.kind == Kind.SECRETARIAT for post in self.posts)


@dataclass(frozen=True, slots=True)
class Owner:
    """To whom a thing belongs: organisations, a person, or both; `people` are further ones, each like the one.

    `noun` is what the thing is called in its 404. `secretariat_knows` says that the secretariat's staff know of it
    even where they may do nothing with it.
    """

    noun: str
    organisations: frozenset[UUID] = frozenset()
    person_id: UUID | None = None
    secretariat_knows: bool = False
    people: frozenset[UUID] = frozenset()

    def is_of(self, person_id: UUID) -> bool:
        """Whether it is a person's very own."""
        return self.person_id == person_id or person_id in self.people


@dataclass(frozen=True, slots=True)
class Right:
    """One way of being allowed.

    `role` None asks no role, `kinds` empty means any. `own` asks that the thing is the caller's: it belongs to the
    organisation in which the role is held, or to the very person where no role is asked.
    """

    role: Role | None = None
    kinds: frozenset[Kind] = frozenset()
    own: bool = False


class Decision(Enum):
    """What a caller gets."""

    ALLOWED = auto()
    NOT_YOURS_TO_DO = auto()
    UNSEEN = auto()
    """The thing is not theirs to know of; to them it does not exist."""


def own(role: Role | None = None, of: Kind | None = None) -> Right:
    """Return the right of those to whom the thing belongs: `role` in its organisation, or the very person."""
    return Right(role, frozenset({of}) if of else frozenset(), own=True)


def holders(role: Role) -> frozenset[Role]:
    """Return the roles whose holders may do what `role` may: a manager does all that a clerk does."""
    return _INCLUDES.get(role, frozenset({role}))


def decide(rights: Sequence[Right], caller: Caller, owner: Owner | None) -> Decision:
    """Decide whether one of `rights` lets `caller` act, on the thing of `owner` where there is one."""
    if any(_holds(right, caller, owner) for right in rights):
        return Decision.ALLOWED
    if owner is None or _knows(caller, owner):
        return Decision.NOT_YOURS_TO_DO
    return Decision.UNSEEN


def within(caller: Caller) -> frozenset[UUID] | None:
    """Return the organisations to which `caller`'s lists are narrowed, None for the secretariat, which sees all."""
    if caller.of_secretariat:
        return None
    return frozenset(post.organisation_id for post in caller.stands_for)


def belongs(caller: Caller, organisation_id: UUID) -> bool:
    """Whether a caller is a member of an organisation, in whatever role."""
    return any(post.organisation_id == organisation_id for post in caller.posts)


def _holds(right: Right, caller: Caller, owner: Owner | None) -> bool:
    if right.role is None:
        return not right.own or (owner is not None and owner.is_of(caller.person_id))
    roles = holders(right.role)
    held = caller.stands_for if right.own else caller.posts
    posts = [post for post in held if post.role in roles and (not right.kinds or post.kind in right.kinds)]
    if right.own:
        return owner is not None and any(post.organisation_id in owner.organisations for post in posts)
    return bool(posts)


def _knows(caller: Caller, owner: Owner) -> bool:
    """Whether a caller without the right belongs to the thing's people all the same, or is shown it elsewhere."""
    return owner.is_of(caller.person_id) or any(
        post.organisation_id in owner.organisations or (owner.secretariat_knows and post.kind == Kind.SECRETARIAT)
        for post in caller.stands_for
    )
