"""What WeChat knows: people, codes, permissions, followers, messages. All of it bounded, as it may run for days."""

import secrets
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Generic, TypeVar

from cachetools import LRUCache

from server.kernel import clock
from server.secrets import WeChatAccount
from server.standin.faults import Faults
from server.standin.refusals import RefusedError
from server.standin.templates import TEMPLATES, Side, Template
from server.standin.tokens import Tokens

CODE_LIFE = timedelta(minutes=5)
Thing = TypeVar("Thing")
PEOPLE = 100_000
CODES = 10_000
MESSAGES = 10_000
CALLS = 1_000
MOST_TEMPLATES = 1_000


@dataclass
class Person:
    """Someone with an openid of one account; `following` is for the service account."""

    unionid: str | None
    signed_in_at: datetime | None = None
    following: bool = False


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone number: digits, and its country's code."""

    number: str
    country_code: str = "86"


@dataclass(frozen=True, slots=True)
class Message:
    """A push that reached someone."""

    id: int
    side: Side
    openid: str
    template_id: str
    data: Mapping[str, Any]
    page: str
    at: datetime


class Codes(Generic[Thing]):
    """One-time codes that live five minutes."""

    def __init__(self) -> None:
        self._waiting: LRUCache[str, tuple[Thing, datetime]] = LRUCache(CODES)

    def issue(self, thing: Thing) -> str:
        """Return a new code for `thing`."""
        code = secrets.token_urlsafe(24)
        self._waiting[code] = (thing, clock.now() + CODE_LIFE)
        return code

    def take(self, code: str) -> Thing:
        """Return what `code` stands for, once; refuses one that is unknown, used or too old."""
        thing, expires_at = self._waiting.pop(code, (None, None))
        if thing is None or expires_at is None or expires_at <= clock.now():
            raise RefusedError(40029)
        return thing

    def __len__(self) -> int:
        return len(self._waiting)


@dataclass
class World:
    """Everything of one stand-in. `reset` makes it new."""

    accounts: Mapping[Side, WeChatAccount]
    people: dict[Side, LRUCache[str, Person]] = field(init=False)
    tokens: dict[Side, Tokens] = field(init=False)
    templates: dict[str, Template] = field(init=False)
    sign_in_codes: Codes[str] = field(init=False)
    phone_codes: Codes[Phone] = field(init=False)
    permissions: LRUCache[tuple[str, str], int] = field(init=False)
    sent: LRUCache[tuple[str, str], tuple[int, datetime]] = field(init=False)
    """Message by follower and `client_msg_id`."""
    pushed: LRUCache[str, list[datetime]] = field(init=False)
    """When each follower was last pushed to."""
    messages: deque[Message] = field(init=False)
    faults: Faults = field(init=False)
    calls: deque[dict[str, Any]] = field(init=False)
    totals: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        self._numbers = count(int(clock.now().timestamp() * 1_000_000))
        self.reset()

    def reset(self) -> None:
        """Forget everybody and everything."""
        self.people = {side: LRUCache(PEOPLE) for side in Side}
        self.tokens = {side: Tokens() for side in Side}
        self.templates = {template.id: template for template in TEMPLATES}
        self.sign_in_codes, self.phone_codes = Codes(), Codes()
        self.permissions, self.sent, self.pushed = LRUCache(PEOPLE), LRUCache(MESSAGES), LRUCache(MESSAGES)
        self.messages, self.faults = deque(maxlen=MESSAGES), Faults()
        self.calls, self.totals = deque(maxlen=CALLS), Counter()

    def meet(self, side: Side, openid: str) -> Person:
        """Return who has `openid`, making their acquaintance where they are new."""
        person = self.people[side].get(openid)
        if not person:
            person = self.people[side][openid] = Person(f"union-{openid}")
        return person

    def known(self, side: Side, openid: object) -> Person:
        """Return who has `openid`; refuses one that this account has never seen. The demo people are always known."""
        if isinstance(openid, str) and side is Side.MINI_PROGRAM and openid.startswith("demo-"):
            return self.meet(side, openid)
        person = self.people[side].get(openid) if isinstance(openid, str) else None
        if not person:
            raise RefusedError(40003)
        return person

    def template(self, side: Side, id_: object) -> Template:
        """Return a template of one account; refuses one that it does not have."""
        template = self.templates.get(id_) if isinstance(id_, str) else None
        if not template or template.side is not side:
            raise RefusedError(40037)
        return template

    def add(self, template: Template) -> None:
        """Take in a template, or another one under its id; past a thousand the one added first goes."""
        self.templates.pop(template.id, None)
        self.templates[template.id] = template
        if len(self.templates) > MOST_TEMPLATES:
            self.templates.pop(next(iter(self.templates)))

    def answered(self, openid: str, template_id: str, result: str, *, withdrawn: bool) -> None:
        """Count a permission more where `result` is `accept`; leave none where they are withdrawn."""
        left = self.permissions.get((openid, template_id), 0)
        self.permissions[openid, template_id] = 0 if withdrawn else left + (result == "accept")

    def deliver(self, template: Template, openid: str, data: Mapping[str, Any], page: str) -> int:
        """Note a push that arrives, and return its number."""
        message = Message(self.number(), template.side, openid, template.id, data, page, clock.now())
        self.messages.append(message)
        return message.id

    def number(self) -> int:
        """Return a number that was not given before; past resets and restarts too."""
        return next(self._numbers)
