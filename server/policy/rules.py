"""The interpreter of programmes: terms, facts and a date in, a decision out. No clock, no files, no network.

Three-valued throughout: True, False, and None for what cannot be known yet.

Decision on dates. A day inside a start that is known only to the month or year stays undecided, even where the versions
on both sides agree. A document without any date at all would leave every day undecided for ever, and nobody could learn
what it asks for: its term governs every day up to its end, is marked `undated`, and the answer carries a warning by
name. Nothing is paid by it, because a programme of such a document may not be `current`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from server.kernel.dates import PolicyDate, ended, within
from server.policy.facts import Value
from server.policy.programmes import Amount, Comparison, Condition, Verdict, Version

Facts = Mapping[str, Value]

_COMPARE: dict[Comparison, Callable[[Any, Any], bool]] = {
    "is": lambda got, value: got == value,
    "one_of": lambda got, values: got in values,
    "at_least": lambda got, value: got >= value,
    "at_most": lambda got, value: got <= value,
}


@dataclass(frozen=True, slots=True)
class Term:
    """A version with the period in which it governs, both ends included."""

    version: Version
    starts: PolicyDate
    ends: PolicyDate

    @property
    def undated(self) -> bool:
        """Whether nothing at all is known of its start."""
        return self.starts.value is None

    def holds(self, on: date) -> bool | None:
        """Tell whether it governs `on`; an undated one does until it has ended."""
        if not self.undated:
            return within(self.starts, self.ends, on)
        over = ended(self.ends, on)
        return None if over is None else not over


@dataclass(frozen=True, slots=True)
class Check:
    """One condition held against the facts; `ok` is None while the fact is missing."""

    condition: Condition
    got: Value | None
    ok: bool | None


@dataclass(frozen=True, slots=True)
class Decided:
    """The answer for one programme. `amount` is there only if eligible; `asks` only if facts are missing."""

    verdict: Verdict
    term: Term | None = None
    """The governing term; where that is undecided, the one whose start is not known to the day."""
    undecided: bool = False
    checks: tuple[Check, ...] = ()
    amount: Amount | None = None
    asks: frozenset[str] = frozenset()


def governing(terms: Sequence[Term], on: date) -> tuple[bool | None, Term | None]:
    """Return (True, the term in force), (None, the newest that may be), or (False, None) outside all."""
    states = [(term.holds(on), term) for term in terms]
    for wanted in (True, None):
        for state, term in reversed(states):
            if state is wanted:
                return wanted, term
    return False, None


def decide(terms: Sequence[Term], facts: Facts, on: date) -> Decided:
    """Decide one programme on one day. `facts` must be valid for the vocabulary."""
    state, term = governing(terms, on)
    if state is None:
        return Decided("needs_information", term, undecided=True)
    if term is None:
        return Decided("ineligible")
    checks = tuple(_check(condition, facts) for condition in term.version.conditions)
    if any(check.ok is False for check in checks):
        return Decided("ineligible", term, checks=checks)
    amounts = possible_amounts(term.version, facts)
    asks = {check.condition.fact for check in checks if check.ok is None}
    if len(amounts) > 1:
        asks |= {fact for amount in amounts for fact in amount.when if fact not in facts}
    if asks:
        return Decided("needs_information", term, checks=checks, asks=frozenset(asks))
    return Decided("eligible", term, checks=checks, amount=amounts[0])


def possible_amounts(version: Version, facts: Facts) -> tuple[Amount, ...]:
    """Return the amounts that the facts do not rule out."""
    return tuple(
        amount for amount in version.amounts if all(facts.get(fact, need) == need for fact, need in amount.when.items())
    )


def _check(condition: Condition, facts: Facts) -> Check:
    got = facts.get(condition.fact)
    ok = None if got is None else _COMPARE[condition.comparison](got, condition.value)
    return Check(condition, got, ok)
