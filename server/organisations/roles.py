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
