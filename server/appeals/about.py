"""What appeals are about, by the number, title or name that people know it by."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from server.appeals.models import Appeal
from server.awards.models import Award
from server.engagements.models import Engagement
from server.kernel.paging import Page
from server.kernel.sensitive import if_readable
from server.labour.models import Posting
from server.organisations.models import Organisation, PayeeAccount
from server.referrals.models import Referral
from server.students import sealed
from server.students.models import StudentLink

Ids = Collection[UUID]
Names = Mapping[UUID, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """An appeal with the kind of what it is about, and what that is called, empty where it has no name."""

    row: Appeal
    kind: str
    name: str


async def seen(rows: Sequence[Appeal]) -> list[Seen]:
    """Return appeals with what each is about; one statement for each kind among them."""
    wanted = defaultdict[str, list[UUID]](list)
    parsed = [(row, *_parsed(row.subject)) for row in rows]
    for _, kind, subject_id in parsed:
        wanted[kind].append(subject_id)
    names = {kind: await NAMES[kind](ids) for kind, ids in sorted(wanted.items())}
    return [Seen(row, kind, names[kind].get(subject_id, "")) for row, kind, subject_id in parsed]


async def paged(found: Page[Appeal]) -> Page[Seen]:
    """Return a page of appeals with what each is about."""
    return Page(await seen(found.items), found.next_cursor)


def _parsed(subject: str) -> tuple[str, UUID]:
    kind, _, subject_id = subject.partition(":")
    return kind, UUID(subject_id)


async def _organisations(ids: Ids) -> Names:
    return {one.id: one.name for one in await Organisation.filter(id__in=ids).only("id", "name")}


async def _student_links(ids: Ids) -> Names:
    """Return the name that was given of each student, masked, and none that cannot be read."""
    named = {one.id: if_readable(sealed.given_name, one) for one in await StudentLink.filter(id__in=ids)}
    return {link_id: name.masked for link_id, name in named.items() if name}


async def _referrals(ids: Ids) -> Names:
    return {one.id: one.number for one in await Referral.filter(id__in=ids).only("id", "number")}


async def _payee_accounts(ids: Ids) -> Names:
    return {
        one.id: one.organisation.name for one in await PayeeAccount.filter(id__in=ids).select_related("organisation")
    }


async def _postings(ids: Ids) -> Names:
    return {one.id: one.title for one in await Posting.filter(id__in=ids).only("id", "title")}


async def _engagements(ids: Ids) -> Names:
    return {one.id: one.posting.title for one in await Engagement.filter(id__in=ids).select_related("posting")}


async def _awards(ids: Ids) -> Names:
    rows = await Award.filter(id__in=ids).select_related("referral")
    return {one.id: one.referral.number if one.referral else one.matter for one in rows}


NAMES: Mapping[str, Callable[[Ids], Awaitable[Names]]] = {
    "organisation": _organisations,
    "student_link": _student_links,
    "referral": _referrals,
    "payee_account": _payee_accounts,
    "posting": _postings,
    "engagement": _engagements,
    "award": _awards,
}
"""By the kinds of `CONTESTABLE`."""
