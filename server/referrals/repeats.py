"""A school names a student whom it has registered before: whether it says the same of them, and what it says otherwise.

Nothing is ever changed by sending it again: what is to change is amended or corrected.
"""

from collections.abc import Iterator

from server.imports.models import Outcome
from server.imports.remarks import Remark
from server.referrals import sealed
from server.referrals.claims import Claim
from server.referrals.models import Referral

ALREADY, OTHERWISE = "already_registered", "registered_otherwise"
_PLAIN = {
    "named_school_id": "named_school", "level": "level", "guardian_consent_on": "guardian_consent_on",
    "class_name": "class_name",
}  # fmt: skip
_SEALED = {
    "phone": sealed.phone_of, "guardian_name": sealed.guardian_name_of, "guardian_phone": sealed.guardian_phone_of,
}  # fmt: skip
"""What a claim may say beside who the student is."""


def met(mine: Referral, claim: Claim) -> tuple[Outcome, list[Remark]]:
    """Return what becomes of a claim on a student whom the school has registered, and what is said of it.

    Under another name it is somebody else under a mistyped number, of whom nothing is registered.
    """
    if sealed.name_of(mine) != claim.name:
        return Outcome.REFUSED, [Remark("name", OTHERWISE)]
    differing = [Remark(field, "registered_differently") for field in _differing(mine, claim)]
    return Outcome.WARNING if differing else Outcome.REPEATED, [Remark("id_number", ALREADY), *differing]


def _differing(mine: Referral, claim: Claim) -> Iterator[str]:
    """Yield what is said otherwise now; what is not said again stays as it was."""
    for column, field in _PLAIN.items():
        said = getattr(claim, column)
        if said and said != getattr(mine, column):
            yield field
    for field, known in _SEALED.items():
        said = getattr(claim, field)
        if said and said != known(mine):
            yield field
    if claim.intake is not mine.intake:
        yield "id_number"
