"""Who the students of the story are, what happens to each, and what must come of it: written down, not computed.

A fate names the schools by their parts: `a` and `b` send students, `secondary` and `college` receive them; `me` is
whichever of the two that send claims the student alone.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import chain, cycle, product

from server.students.id_number import check_character

SENDERS, RECEIVERS = ("a", "b"), ("secondary", "college")
STUDENTS, LEAST = 1500, 150
"""How many each sending school claims, and how few may be."""
BOTH = 40
"""How many both claim."""
_EACH = 6
"""How many of each sending school have each of the rarer fates."""
_LATE_SHARE = 3
"""Every third of the students without a rarer fate is on the late list."""
_PLACES = ("340802", "340803", "340811", "340822", "340825", "340826", "340827", "340828", "340881", "340882")
_SURNAMES, _FIRST, _SECOND = "王李张刘陈杨黄吴周徐汪程方胡江", "子思雨晓文志海青书明", "涵宁阳琪轩彤远舟禾岚"
_AGE, _BIRTHDAYS = 15, 180

_ON_LIST = ("secondary listed", "secondary registered")
_MATCHED = (*_ON_LIST, "me registered", "me matched")
_COLLEGE = ("college listed", "college registered")
_CLAIMED = ("a registered", "a matched", "b registered", "a disputed")
_HEARD = (*_ON_LIST, *_CLAIMED, "a evidence_added", "b evidence_added")
_LOST = (*_HEARD, "a rejected", "b upheld", "b matched")


@dataclass(frozen=True)
class Fate:
    """What happens to a student, step by step as the timeline tells it, and how the claims and enrolments then stand.

    `listed` says on which list a receiving school has the student: early, late, last or none.
    """

    timeline: tuple[str, ...]
    claims: Mapping[str, str]
    seats: Mapping[str, str] = field(default_factory=dict)
    listed: str = "early"
    named: str = "secondary"
    disputed: bool = False
    flags: tuple[str, ...] = ()


_AT_SECONDARY, _AT_COLLEGE = {"secondary": "registered"}, {"college": "registered"}
SETTLED = Fate((*_MATCHED, "me confirmed"), {"me": "confirmed"}, _AT_SECONDARY)
LATE = Fate(("me registered", *_COLLEGE, "me confirmed"), {"me": "confirmed"}, _AT_COLLEGE, "late", "college")
RARER: Mapping[str, Fate] = {
    "on the list without a record": Fate(
        ("secondary listed", "me registered", "me matched"), {"me": "matched"}, {"secondary": "listed"}
    ),
    "sent to another school": Fate(
        ("me registered", *_COLLEGE, "me confirmed", "me flagged"),
        {"me": "confirmed"}, _AT_COLLEGE, "late", flags=("other_school",),
    ),
    "under another name": Fate(
        ("me registered", *_COLLEGE, "me flagged", "college match_decided", "me confirmed", "me flagged"),
        {"me": "confirmed"}, _AT_COLLEGE, "late", "college",
    ),
    "left before the census": Fate(
        (*_MATCHED, "secondary withdrawn", "me unmatched", "me lapsed"), {"me": "lapsed"}, {"secondary": "withdrawn"}
    ),
    "left, as came out later": Fate(
        (*_MATCHED, "me confirmed", "secondary withdrawn", "me unmatched", "me lapsed"),
        {"me": "lapsed"}, {"secondary": "withdrawn"},
    ),
    "paused over the census": Fate(
        (*_MATCHED, "secondary suspended"), {"me": "matched"}, {"secondary": "suspended"}
    ),
    "transferred": Fate(
        (*_MATCHED, "college listed", "secondary transferred", "me matched", "me flagged", "college registered",
         "me confirmed"),
        {"me": "confirmed"}, {"secondary": "transferred", "college": "registered"}, flags=("other_school",),
    ),
    "with a wrong number": Fate(
        (*_ON_LIST, "me registered", "me corrected", "me matched", "me confirmed"), {"me": "confirmed"}, _AT_SECONDARY
    ),
    "taken back": Fate((*_MATCHED, "me withdrawn"), {"me": "withdrawn"}, _AT_SECONDARY),
    "never came": Fate(("me registered", "me lapsed"), {"me": "lapsed"}, listed="none"),
    "came to light at last": Fate(
        ("me registered", "me lapsed", *_COLLEGE, "me reopened", "me confirmed"),
        {"me": "confirmed"}, _AT_COLLEGE, "last", "college",
    ),
}  # fmt: skip
"""Fates of some of those whom one school claims."""

_FIRST_WINS, _SECOND_WINS = {"a": "confirmed", "b": "rejected"}, {"a": "rejected", "b": "confirmed"}
CLAIMED_TWICE: Mapping[str, tuple[int, Fate]] = {
    "first upheld": (16, Fate((*_HEARD, "a upheld", "b rejected", "a confirmed"), _FIRST_WINS, _AT_SECONDARY)),
    "second upheld": (10, Fate((*_LOST, "b confirmed"), _SECOND_WINS, _AT_SECONDARY)),
    "one unheard": (4, Fate(
        ("a registered", "b registered", "a disputed", "a evidence_added", "a upheld", "b rejected", *_COLLEGE,
         "a confirmed"),
        _FIRST_WINS, _AT_COLLEGE, "late", "college",
    )),
    "appealed": (4, Fate(
        (*_LOST, "a appeal.made", "a upheld", "b rejected", "a matched", "a appeal.overturned", "a confirmed"),
        _FIRST_WINS, _AT_SECONDARY,
    )),
    "undone": (3, Fate(
        (*_LOST, "a decision_undone", "b decision_undone", "a matched", "a evidence_added", "b evidence_added",
         "a upheld", "b rejected", "a confirmed"),
        _FIRST_WINS, _AT_SECONDARY,
    )),
    "still open": (1, Fate(
        (*_LOST, "a decision_undone", "b decision_undone", "a matched", "a confirmed"),
        {"a": "confirmed", "b": "disputed"}, _AT_SECONDARY, disputed=True,
    )),
    "given up": (2, Fate(
        (*_ON_LIST, *_CLAIMED, "b withdrawn", "a other_withdrew", "a upheld", "a confirmed"),
        {"a": "confirmed", "b": "withdrawn"}, _AT_SECONDARY,
    )),
}  # fmt: skip
UNCLAIMED = Fate(_ON_LIST, {}, _AT_SECONDARY)


@dataclass(frozen=True, eq=False)
class Pupil:
    """A student of the story; `wrong_number` and `other_name` are what a school mistakes, where its fate has it so."""

    fate: Fate
    label: str
    senders: tuple[str, ...]
    name: str
    number: str
    wrong_number: str
    other_name: str

    @property
    def timeline(self) -> list[str]:
        """What must have happened."""
        return [step.replace("me ", f"{self.senders[0]} ", 1) if self.senders else step for step in self.fate.timeline]

    @property
    def claims(self) -> dict[str, str]:
        """How the claim of each school must stand."""
        return {self.senders[0] if who == "me" else who: state for who, state in self.fate.claims.items()}


@dataclass(frozen=True)
class Plan:
    """All students of the story."""

    pupils: Sequence[Pupil]

    def sent_by(self, sender: str) -> list[Pupil]:
        """Return whom a school claims, in the order of its list."""
        return [pupil for pupil in self.pupils if sender in pupil.senders]

    def listed(self, when: str) -> list[Pupil]:
        """Return who is on a list of a receiving school."""
        return [pupil for pupil in self.pupils if pupil.fate.listed == when]

    def labelled(self, *labels: str) -> list[Pupil]:
        """Return who has one of these fates."""
        return [pupil for pupil in self.pupils if pupil.label in labels]

    def claims_of(self, *senders: str) -> Counter[str]:
        """Count how the claims of schools must stand."""
        return Counter(state for one in self.pupils for who, state in one.claims.items() if who in senders)

    def seats_of(self, *receivers: str) -> Counter[str]:
        """Count how the enrolments of schools must stand."""
        return Counter(state for one in self.pupils for who, state in one.fate.seats.items() if who in receivers)


def made(year: int, each: int = STUDENTS) -> Plan:
    """Return the plan of a year in which each of the two schools claims `each` students; raises ValueError."""
    if each < LEAST:
        raise ValueError(f"a school of the story sends {LEAST} students at least")
    fates = chain(_twice(), _alone("a", each - BOTH), _alone("b", each - BOTH), (("unclaimed", UNCLAIMED, ()),) * _EACH)
    numbers, names = _numbers(year), _names()
    return Plan([
        Pupil(fate, label, senders, next(names), next(numbers), next(numbers), next(names))
        for label, fate, senders in fates
    ])  # fmt: skip


def _twice() -> Iterator[tuple[str, Fate, tuple[str, ...]]]:
    for label, (number, fate) in CLAIMED_TWICE.items():
        yield from ((label, fate, SENDERS) for _ in range(number))


def _alone(sender: str, number: int) -> Iterator[tuple[str, Fate, tuple[str, ...]]]:
    for label, fate in RARER.items():
        yield from ((label, fate, (sender,)) for _ in range(_EACH))
    for place in range(number - _EACH * len(RARER)):
        label, fate = ("late", LATE) if place % _LATE_SHARE == 0 else ("settled", SETTLED)
        yield label, fate, (sender,)


def _numbers(year: int) -> Iterator[str]:
    """Yield ID numbers that pass every check, of those who are fifteen when the year begins, each once."""
    first = date(year - _AGE, 1, 1)
    for order, day, place in product(range(1, 1000), range(_BIRTHDAYS), _PLACES):
        body = f"{place}{first + timedelta(days=day):%Y%m%d}{order:03}"
        yield body + check_character(body)


def _names() -> Iterator[str]:
    for name in cycle(product(_SURNAMES, _FIRST, _SECOND)):
        yield "".join(name)
