"""The templates for which people are asked, and at which of their taps."""

from typing import NamedTuple

from server.notices import catalogue, putting
from server.notices.models import Service


class Asked(NamedTuple):
    """A template to ask for: ours and WeChat's name of it, whether it is not used up, and the taps."""

    name: str
    template_id: str
    long_term: bool
    taps: tuple[str, ...]


def asked_at(tap: str | None = None) -> list[Asked]:
    """Return the templates for which the client asks at a tap, or at any; those without an id yet are left out."""
    found = []
    for template in catalogue.in_force().templates.values():
        template_id = template.id_in(putting.environment())
        wanted = tap in template.asked_at if tap else template.asked_at
        if template_id and wanted and template.service is Service.MINI_PROGRAM:
            found.append(Asked(template.name, template_id, template.long_term, template.asked_at))
    return found


def taps() -> frozenset[str]:
    """Return the taps at which the client asks for anything, perhaps for templates that have no id yet."""
    return frozenset(tap for template in catalogue.in_force().templates.values() for tap in template.asked_at)
