"""Kinds of organisation and the roles in them."""

from enum import StrEnum


class Kind(StrEnum):
    """What an organisation is to the group."""

    SECRETARIAT = "secretariat"
    VOCATIONAL_SCHOOL = "vocational_school"
    FEEDER_SCHOOL = "feeder_school"
    ENTERPRISE = "enterprise"
    AGENCY = "agency"
    AUTHORITY = "authority"


class Role(StrEnum):
    """What a member may do; clerk and manager belong to every kind but the secretariat, the others to it alone."""

    CLERK = "clerk"
    MANAGER = "manager"
    EDITOR = "editor"
    REVIEWER = "reviewer"
    APPROVER = "approver"
    FINANCE = "finance"
    ADMIN = "admin"

    @property
    def of_secretariat(self) -> bool:
        """Whether the role belongs to the secretariat."""
        return self not in {Role.CLERK, Role.MANAGER}

    def fits(self, kind: Kind) -> bool:
        """Whether an organisation of `kind` has such a role."""
        return self.of_secretariat is (kind is Kind.SECRETARIAT)


STAFF = tuple(role for role in Role if role.of_secretariat)
"""Whoever works in the secretariat."""


def lead(kind: Kind) -> Role:
    """Return the role that an organisation of `kind` is never left without, once it has someone in it."""
    return Role.ADMIN if kind is Kind.SECRETARIAT else Role.MANAGER


def roles(kind: Kind) -> tuple[Role, ...]:
    """Return the roles that an organisation of `kind` has."""
    return tuple(role for role in Role if role.fits(kind))
