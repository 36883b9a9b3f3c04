"""When pushes go out: the night is left alone, and digests come once a day. `content/pushing.yaml`, handed in once."""

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field

from server.kernel import clock
from server.kernel.content import Content, ContentError, read
from server.kernel.handed import Handed
from server.notices.models import Priority

OfDay = Annotated[str, Field(pattern=r"^(?:[01]\d|2[0-3]):[0-5]\d$")]
Few = Annotated[int, Field(ge=1, le=31)]


class Quiet(Content):
    """The hours in which only what is urgent goes out, in the time of Anqing; they may begin before midnight."""

    since: Annotated[OfDay, Field(alias="from")]
    to: OfDay

    def ends_after(self, moment: datetime) -> datetime:
        """Return when the quiet hours around a moment end, the moment itself where there are none."""
        begins, ends = time.fromisoformat(self.since), time.fromisoformat(self.to)
        local = moment.astimezone(clock.SHANGHAI)
        over_midnight = begins > ends
        late, early = local.time() >= begins, local.time() < ends
        if not ((late or early) if over_midnight else (late and early)):
            return moment
        day = local.date() + timedelta(days=1) if over_midnight and late else local.date()
        return datetime.combine(day, ends, clock.SHANGHAI).astimezone(moment.tzinfo)


class Digest(Content):
    """When the finds of saved searches are told, how often a person hears of them in a day, and of how old ones."""

    at: OfDay
    most_a_day: Few
    days_back: Few


class Calendar(Content):
    """When days of the calendar are announced, and how long before a window closes."""

    at: OfDay
    closing_days: Few


class Rules(Content):
    """All of it."""

    quiet: Quiet
    digest: Digest
    calendar: Calendar


_handed = Handed[Rules]("rules for pushes were")
use, in_force = _handed.use, _handed.in_force


def load(content_dir: Path) -> Rules:
    """Return the rules; raises ContentError."""
    path = content_dir / "pushing.yaml"
    rules = read(Rules, path)
    for name, moment in (("digest.at", rules.digest.at), ("calendar.at", rules.calendar.at)):
        noon = datetime.combine(clock.today(), time.fromisoformat(moment), clock.SHANGHAI)
        if rules.quiet.ends_after(noon) != noon:
            raise ContentError([f"{path}: {name} lies in the quiet hours"])
    return rules


def due(priority: int, moment: datetime) -> datetime:
    """Return when a push may go out that is ready at a moment: what is urgent at once, all else not by night."""
    return moment if priority == Priority.URGENT else in_force().quiet.ends_after(moment)


def cron(of_day: str) -> str:
    """Return a time of day as a schedule has it."""
    hour, minute = map(int, of_day.split(":"))
    return f"{minute} {hour} * * *"
