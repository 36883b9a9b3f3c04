"""Who hears what of events as they were really recorded."""

from uuid import UUID

from server.app import CONTENT_DIR
from server.kernel.outbox import Event
from server.notices import catalogue, facts
from server.notices.facts import Message
from server.notices.subjects import NOBODY

SHIPPED = catalogue.load(CONTENT_DIR)


class Ear:
    """Listens from the moment it is made; what it tells of once is told."""

    def __init__(self, last: UUID = NOBODY) -> None:
        self.last = last

    async def everything(self) -> list[Message]:
        """Return what is said of all that has happened since, each event by itself."""
        events = await Event.filter(id__gt=self.last).order_by("id")
        self.last = events[-1].id if events else self.last
        return [message for event in events for message in await facts.messages([event], SHIPPED)]

    async def told(self, *people: UUID) -> list[tuple[str, ...]]:
        """Return the kinds of what each of these people is told, in their order."""
        said = await self.everything()
        return [tuple(message.kind for message in said if message.person_id == person) for person in people]

    async def told_alone(self, person: UUID) -> Message:
        """Return the one message that somebody gets, and nobody else any."""
        [message] = await self.everything()
        assert message.person_id == person
        return message


async def listen() -> Ear:
    last = await Event.all().order_by("-id").first()
    return Ear(last.id if last else NOBODY)
