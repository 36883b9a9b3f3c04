"""Scans of papers as they are put and shown: a picture as the body, and nothing else."""

from uuid import UUID

from sanic import HTTPResponse

from server.access.rules import Caller
from server.organisations.roles import Role

SCAN_BYTES = 5 * 1024 * 1024
SCAN_MEDIA = ("image/jpeg", "image/png")
PICTURE_HEADERS = {"cache-control": "private, no-store", "x-content-type-options": "nosniff"}


def shown(picture: bytes | None) -> HTTPResponse:
    """Answer with a scan, 204 where there is none."""
    return HTTPResponse(picture, 200, PICTURE_HEADERS, "image/jpeg") if picture else HTTPResponse(status=204)


def from_outside(caller: Caller, organisation_id: UUID) -> UUID | None:
    """Return who looks at an organisation that they do not lead: whoever else belongs to it looks as staff."""
    led = {post.organisation_id for post in caller.stands_for if post.role is Role.MANAGER}
    return None if organisation_id in led else caller.person_id
