"""The same thing posted twice by one poster: told to the reviewer, who decides."""

import hashlib
import unicodedata
from uuid import UUID

from server.labour.drafts import Draft
from server.labour.keeping import RUNNING
from server.labour.models import Posting, PostingState

COMPARED = 50
"""How many of a poster's newest postings are looked at."""
ALIKE = 0.8
GRAM = 3
_COMPARED = (*RUNNING, PostingState.IN_REVIEW, PostingState.REMOVED)


def fingerprint(posting: Posting) -> str:
    """Return what two postings share that say the same of title, place, dates and pay; 64 hexadecimal digits."""
    what = (posting.side, posting.kind, _folded(posting.title), posting.region, _folded(posting.address))
    when = (posting.starts_on, posting.ends_on, posting.pay_fen, posting.pay_unit)
    return hashlib.sha256(repr([str(part) for part in (*what, *when)]).encode()).hexdigest()


async def similar(posting: Posting) -> UUID | None:
    """Return the newest other posting of the same poster that says nearly the same and stands or was removed."""
    same = {"organisation_id": posting.organisation_id}
    if posting.organisation_id is None:
        same["person_id"] = posting.person_id
    others = Posting.filter(**same, side=posting.side, kind=posting.kind, state__in=_COMPARED).exclude(id=posting.id)
    for other in await others.order_by("-created_at", "-id").limit(COMPARED):
        if other.fingerprint == posting.fingerprint or _alike(posting, other):
            return other.id
    return None


async def similar_as(posting: Posting, draft: Draft) -> UUID | None:
    """Return the same for a posting as it would be by a draft of it."""
    who = {name: getattr(posting, name) for name in ("id", "organisation_id", "person_id")}
    asked = Posting(**who, **draft.model_dump(exclude={"hours"}))
    asked.fingerprint = fingerprint(asked)
    return await similar(asked)


def _alike(one: Posting, other: Posting) -> bool:
    """Whether two are for the same place and work, and tell it in nearly the same words."""
    if (one.region, one.occupation) != (other.region, other.occupation):
        return False
    first, second = (_grams(f"{each.title}\n{each.description}") for each in (one, other))
    return bool(first) and len(first & second) >= ALIKE * len(first | second)


def _grams(text: str) -> set[str]:
    folded = _folded(text)
    return {folded[at : at + GRAM] for at in range(max(0, len(folded) - GRAM + 1))}


def _folded(text: str) -> str:
    """Return letters and figures alone, in one spelling."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())
