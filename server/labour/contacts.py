"""Whom one asks for: sealed, each in its own cell."""

from dataclasses import dataclass

from server.kernel import sensitive
from server.kernel.sensitive import Cell, Kind, Sensitive
from server.labour.models import ContactShown, Posting, Side


@dataclass(frozen=True, slots=True)
class Contact:
    """Who answers for a posting, by what number, and who is shown that."""

    name: Sensitive
    phone: Sensitive
    shown: ContactShown


def contact_of(posting: Posting) -> Contact | None:
    """Return a posting's contact, None where none was given."""
    name = sensitive.unseal(_cell(posting, "contact_name_sealed"), Kind.NAME, posting.contact_name_sealed)
    phone = sensitive.unseal(_cell(posting, "contact_phone_sealed"), Kind.PHONE, posting.contact_phone_sealed)
    return Contact(name, phone, posting.contact_shown) if name and phone else None


def write(posting: Posting, contact: Contact | None) -> None:
    """Put a contact into a row, or take it away; an offer shows none before it is accepted."""
    name, phone = (contact.name, contact.phone) if contact else (None, None)
    posting.contact_name_sealed = sensitive.seal(_cell(posting, "contact_name_sealed"), name)
    posting.contact_phone_sealed = sensitive.seal(_cell(posting, "contact_phone_sealed"), phone)
    shown = contact.shown if contact else ContactShown.AFTER_ACCEPTANCE
    posting.contact_shown = ContactShown.AFTER_ACCEPTANCE if posting.side is Side.SUPPLY else shown


def _cell(posting: Posting, column: str) -> Cell:
    return Cell(Posting.Meta.table, column, posting.id)
