"""Writing postings and changing them.

What was published changes only once a reviewer has looked: a change waits beside it, but for head-count, validity and
contact, which hold at once unless the rules want them judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from server.kernel import clock
from server.kernel.errors import DomainError, FieldFault, found, invalid
from server.kernel.ids import new_id
from server.kernel.paging import Page, Sort, page
from server.kernel.transactions import transaction
from server.labour import checks, contacts, duplicates, keeping, posters
from server.labour.checks import Read, Rules
from server.labour.contacts import Contact, contact_of
from server.labour.drafts import Draft, changed
from server.labour.keeping import RUNNING, Change
from server.labour.models import Posting, PostingState
from server.labour.ports import Texts
from server.organisations.roles import Kind

AT_ONCE = frozenset({"headcount", "valid_until"})
OPEN_TO_CHANGE = (PostingState.DRAFT, PostingState.IN_REVIEW, PostingState.RETURNED)
WAITING_LONGEST = Sort("submitted_at", descending=False)


@dataclass(frozen=True, slots=True)
class Poster:
    """Who posts: a person, for an organisation or for themselves."""

    person_id: UUID
    organisation_id: UUID | None = None
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody wants to change: fields of a draft, and the contact where `contact_said`; None takes it away."""

    fields: Mapping[str, Any]
    contact: Contact | None = None
    contact_said: bool = False


async def posting(posting_id: UUID) -> Posting:
    """Return a posting with its organisation; raises DomainError 404."""
    return found(await Posting.get_or_none(id=posting_id).select_related("organisation"), "posting")


async def waiting(limit: int, cursor: str | None) -> Page[Posting]:
    """Return a page of what waits for a reviewer, those first that have waited for longest."""
    query = Posting.filter(submitted_at__isnull=False).select_related("organisation")
    return await page(query, WAITING_LONGEST, limit, cursor)


@transaction
async def create(draft: Draft, contact: Contact | None, poster: Poster, rules: Rules) -> Posting:
    """Keep a draft, however incomplete.

    Raises DomainError 409 for a person who may not offer their hands, 422 for what such a poster may not post and for
    values that no posting may have.
    """
    posters.require_fitting(draft.side, draft.kind, draft.supplier, poster.kind)
    findings = await checks.told(draft, poster.person_id, rules)
    checks.require_sense(draft, findings)
    now = clock.now()
    made = Posting(
        id=new_id(),
        person_id=poster.person_id,
        organisation_id=poster.organisation_id,
        state_since=now,
        created_at=now,
        findings=checks.kept(findings, Read(1)),
        reasons=[],
    )
    write(made, draft, set(Draft.model_fields), rules)
    contacts.write(made, contact)
    await made.save(force_create=True)
    await keeping.note(made, Change("drafted", "", poster.person_id), [])
    return made


async def edit(  # noqa: PLR0913 -- all but the first two are named
    posting_id: UUID, given: Given, *, by: UUID, version: int | None, rules: Rules, texts: Texts
) -> Posting:
    """Change a posting; return it as it then is.

    One in review or returned is a draft again. Of a published one, what is said of work, place, dates and pay waits
    for a reviewer. Raises DomainError 404, 409 for one that has ended, 412, 422.
    """
    seen = await posting(posting_id)
    draft = _asked(seen, given)
    spoken = seen.state in RUNNING and not changed(draft, seen).isdisjoint(checks.SPOKEN)
    read = await checks.read(draft, seen.version, by, texts) if spoken else Read(seen.version)
    return await _edit(posting_id, given, by, version, rules, read)


@transaction
async def _edit(  # noqa: PLR0913, PLR0917 -- what `edit` was given, and what came of it
    posting_id: UUID, given: Given, by: UUID, version: int | None, rules: Rules, read: Read
) -> Posting:
    held = await keeping.hold(posting_id, version)
    if held.version != read.version:
        raise DomainError("stale_version", 412)
    keeping.require(held, *OPEN_TO_CHANGE, *RUNNING)
    draft = _asked(held, given)
    names = changed(draft, held)
    if given.contact_said and given.contact != contact_of(held):
        contacts.write(held, given.contact)
        names.add("contact")
    before, waits = held.state, held.pending
    wrong = set() if before in RUNNING else await _wrong(held, rules)
    findings = await checks.told(draft, held.person_id, rules)
    await _apply(held, draft, names, checks.kept(findings, read), rules)
    if before in RUNNING:
        has_contact = held.contact_name_sealed is not None
        checks.require_publishable(draft, findings, read, has_contact=has_contact)
        if held.pending and held.pending != waits:
            held.similar_to_id = await duplicates.similar_as(held, draft)
    else:
        checks.require_sense(draft, findings, wrong - names)
    if names or waits != held.pending:
        await keeping.keep(held, Change("changed", before, by, fields=tuple(sorted(names))))
    return await posting(posting_id)


async def _wrong(held: Posting, rules: Rules) -> set[str]:
    """Return the fields that are refused already, such as dates that have passed in a draft meanwhile."""
    findings = await checks.told(Draft.of(held), held.person_id, rules)
    return {fault.pointer.removeprefix("/") for fault in checks.refusals(findings)}


async def _apply(held: Posting, draft: Draft, names: set[str], findings: list[dict[str, Any]], rules: Rules) -> None:
    """Put a change into the row, or beside it."""
    said = names - {"contact"}
    if held.state not in RUNNING:
        write(held, draft, said, rules)
        held.findings, held.submitted_at = findings, None
        if names and held.state is not PostingState.DRAFT:  # whatever was said of it was said of other words
            keeping.enter(held, PostingState.DRAFT)
        return
    if (draft.headcount or 0) < held.filled:
        raise invalid(FieldFault("/headcount", "headcount_below_filled", {"filled": held.filled}))
    aside = said - _at_once(findings)
    if held.ends_on and draft.valid_until and draft.valid_until > held.ends_on:  # by a later end, which waits
        aside |= said & {"valid_until"}
    write(held, draft, said - aside, rules)
    held.findings = [
        *(one for one in held.findings if one["field"] not in said - aside),
        *(one for one in findings if one["field"] in said - aside),
    ]
    if held.state is not PostingState.PAUSED:
        keeping.enter(held, landing(held))
    stored = draft.stored()
    fields = {name: stored[name] for name in sorted(aside)}
    pending = held.pending or {}
    if pending.get("refused") or fields != pending.get("fields"):
        hourly = rules.hourly_fen(draft)
        held.pending = {"fields": fields, "findings": findings, "hourly_fen": hourly} if aside else None
        held.submitted_at = clock.now() if aside else None


def _at_once(findings: list[dict[str, Any]]) -> frozenset[str]:
    """Return what changes without a reviewer: not what the rules want judged."""
    return AT_ONCE - {one["field"] for one in findings if one["level"] == "review"}


def write(held: Posting, draft: Draft, names: set[str], rules: Rules) -> None:
    """Put fields of a draft into a row, with what follows from them."""
    stored = draft.stored()
    held.update_from_dict({name: stored[name] if name == "hours" else getattr(draft, name) for name in names})
    if "valid_until" in names:
        held.reminded_on = None
    held.hourly_fen = rules.hourly_fen(Draft.of(held))


def landing(held: Posting) -> PostingState:
    """Return the state of a posting that anyone may read: full, or with places left."""
    return PostingState.FILLED if held.filled >= (held.headcount or 0) else PostingState.LIVE


def asked_for(held: Posting) -> Draft:
    """Return what a posting says together with what waits of it; what was refused is let go."""
    pending = held.pending or {}
    return Draft.of(held).with_fields({} if pending.get("refused") else pending.get("fields", {}))


def _asked(held: Posting, given: Given) -> Draft:
    return asked_for(held).with_fields(dict(given.fields))
