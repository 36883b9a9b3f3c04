"""Since when postings are on the board, and when they were before: what a digest could have told of them already."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID

from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.labour.keeping import subject_of
from server.labour.models import Posting, PostingState
from server.notices import quiet

Stretch = tuple[datetime, datetime]
"""From a moment on, and until before another."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Since when a posting has been live, and the stretches in which it was before, as long as it was not live."""

    since: datetime
    before: Sequence[Stretch] = ()

    def is_new(self, begun: datetime, told_until: datetime) -> bool:
        """Return whether it is news to a search begun at a moment whose finds have been told up to another.

        What is paused and resumed is no news to who saw it: it was there when the search began, or by a digest's hour.
        """
        return self.since > told_until and not any(_seen(one, begun, told_until) for one in self.before)


async def shown(postings: Sequence[Posting]) -> Mapping[UUID, Shown]:
    """Return of live postings since when they are shown; one statement at most."""
    again = [one.id for one in postings if one.published_at and one.published_at < one.state_since]
    before = await _stretches(again) if again else {}
    return {one.id: Shown(one.state_since, before.get(one.id, ())) for one in postings}


async def _stretches(ids: Sequence[UUID]) -> Mapping[UUID, list[Stretch]]:
    """Return when postings were live and ceased to be, by what the audit says of them."""
    by_subject = {subject_of(id_): id_ for id_ in ids}
    entries = await AuditEntry.filter(subject__in=list(by_subject), after__in=list(PostingState)).order_by("id")
    begun: dict[UUID, datetime] = {}
    found: defaultdict[UUID, list[Stretch]] = defaultdict(list)
    for entry in entries:
        id_ = by_subject[entry.subject]
        if entry.after == PostingState.LIVE:
            begun.setdefault(id_, entry.made_at)
        elif id_ in begun:
            found[id_].append((begun.pop(id_), entry.made_at))
    return found


def _seen(stretch: Stretch, begun: datetime, told_until: datetime) -> bool:
    """Whether a search that was begun at a moment came upon what was live in a stretch, or was told of it."""
    since, until = stretch
    if since <= begun < until:
        return True
    return _digest_after(max(since, begun)) < min(until, told_until + timedelta.resolution)


def _digest_after(moment: datetime) -> datetime:
    """Return when the next digest goes out, which may be that moment."""
    hour = time.fromisoformat(quiet.in_force().digest.at)
    that_day = datetime.combine(moment.astimezone(clock.SHANGHAI).date(), hour, clock.SHANGHAI)
    return that_day if that_day >= moment else that_day + timedelta(days=1)
