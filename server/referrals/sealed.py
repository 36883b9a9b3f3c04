"""What of a claim lies sealed: the name under which the school registered the student, and how to reach whom."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from server.kernel import sensitive
from server.kernel.sensitive import Cell, Kind, Sensitive
from server.referrals.models import Referral

TABLE = "referral"
PERSONAL = frozenset({"name", "phone", "guardian_name", "guardian_phone"})


def name_cell(referral_id: UUID) -> Cell:
    """Return where the name in a claim lies."""
    return Cell(TABLE, "name_sealed", referral_id)


def name_of(referral: Referral) -> Sensitive:
    """Return what the school called the student."""
    return sensitive.opened(name_cell(referral.id), Kind.NAME, referral.name_sealed)


def phone_of(referral: Referral) -> Sensitive | None:
    """Return the student's phone, if one was given."""
    return sensitive.unseal(Cell(TABLE, "phone_sealed", referral.id), Kind.PHONE, referral.phone_sealed)


def guardian_name_of(referral: Referral) -> Sensitive | None:
    """Return the guardian's name, if one was given."""
    cell = Cell(TABLE, "guardian_name_sealed", referral.id)
    return sensitive.unseal(cell, Kind.NAME, referral.guardian_name_sealed)


def guardian_phone_of(referral: Referral) -> Sensitive | None:
    """Return the guardian's phone, if one was given."""
    cell = Cell(TABLE, "guardian_phone_sealed", referral.id)
    return sensitive.unseal(cell, Kind.PHONE, referral.guardian_phone_sealed)


def columns(referral_id: UUID, said: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the columns for what is personal in `said`, values by the names of a claim's fields; None clears one."""
    found: dict[str, str | None] = {}
    for name in PERSONAL & said.keys():
        value: Sensitive | None = said[name]
        found[f"{name}_sealed"] = sensitive.seal(Cell(TABLE, f"{name}_sealed", referral_id), value)
        if name == "phone":
            found["phone_index"] = sensitive.vault().index(Kind.PHONE, value.reveal()) if value else None
    return found
