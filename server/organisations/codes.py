"""A school's own mini-program code: a picture whose scene names the school and proves that we made it.

A scene is 32 characters, all that WeChat allows: 22 for the school's id, 10 for the signature.
"""

import base64
import binascii
import hmac
from uuid import UUID

from server.kernel.errors import DomainError
from server.organisations import rules, service
from server.organisations.models import Organisation, OrganisationState
from server.organisations.ports import Cache, Codes, Seals

PAGE = "pages/school/index"
KEPT_SECONDS = 7 * 24 * 3600
_PURPOSE = "school code"
_ID_CHARACTERS, _LENGTH = 22, 32


async def image(organisation_id: UUID, codes: Codes, cache: Cache, seals: Seals) -> bytes:
    """Return the code of a verified school, PNG or JPEG as WeChat drew it.

    Raises DomainError 404, 409 for whatever is no verified school, 503 where WeChat does not answer.
    """
    _require_school(await service.organisation(organisation_id))
    scene = scene_of(organisation_id, seals)
    key = f"school-code:{scene}"
    if (kept := await cache.get(key)) is not None:
        return kept
    drawn = await codes.code_image(scene, PAGE, check_path=False)  # codes are printed before the page is published
    await cache.set(key, drawn, KEPT_SECONDS)
    return drawn


def scene_of(organisation_id: UUID, seals: Seals) -> str:
    """Return the scene that names an organisation."""
    text = _text(organisation_id)
    return text + seals.sign(_PURPOSE, text)


def organisation_of(scene: str, seals: Seals) -> UUID | None:
    """Return the organisation that a scene names, None for one that we did not make."""
    text, signature = scene[:_ID_CHARACTERS], scene[_ID_CHARACTERS:]
    if len(scene) != _LENGTH or not scene.isascii():
        return None
    genuine = [hmac.compare_digest(signature, one) for one in seals.signatures(_PURPOSE, text)]
    return _id(text) if any(genuine) else None


def _require_school(organisation: Organisation) -> None:
    if organisation.kind not in rules.SCHOOLS or organisation.state is not OrganisationState.VERIFIED:
        raise DomainError("code_for_schools", 409)


def _text(organisation_id: UUID) -> str:
    return base64.urlsafe_b64encode(organisation_id.bytes).rstrip(b"=").decode()


def _id(text: str) -> UUID | None:
    try:
        return UUID(bytes=base64.b64decode(text + "==", b"-_", validate=True))
    except (binascii.Error, ValueError):
        return None
