"""References in a text: `{{ programme.name }}` and `{{ target/id }}` stand for a figure, `[[clause]]` for a link.

`{{ feeder-referral.amount }}` is the newest version's, `{{ feeder-referral@2019.amount }}` a named one's. Names are
`amount` (500元), `rate` (500元/生), `from`, `to`, or a fact of a condition (`class_size`: 20人). Where facts choose
between amounts, the answers that do are added: `{{ consortium.amount.national }}`,
`{{ cz-skill.amount.junior.false }}`. Where a fact has a lower and an upper bound, the comparison is:
`{{ internship-allowance.internship_months.at_most }}`. Of a target with several figures, the time is:
`{{ target/higher-graduates-staying.2026 }}`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from server.policy.book import PolicyBook
from server.policy.programmes import money_text
from server.policy.rules import Term
from server.policy.telling import amount_text, value_text

_REFERENCE = re.compile(r"\{\{(.*?)\}\}|\[\[(.*?)\]\]", re.DOTALL)

_FIGURE = re.compile(r"\s*([a-z0-9-]+)(?:@([\w-]+))?\.(\w+)((?:\.\w+)*)\s*", re.ASCII)
_TARGET = re.compile(r"\s*target/([a-z0-9-]+)(?:\.([\d-]+))?\s*", re.ASCII)
_YUAN = "元"

T = TypeVar("T")


@dataclass
class Resolver:
    """Puts figures and links into texts, and remembers what it met, each once, in order."""

    book: PolicyBook
    clauses: dict[str, None] = field(default_factory=dict)
    programmes: dict[str, None] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def resolve(self, text: str, *, link: Callable[[str, str], str] = lambda label, _: label) -> str:
        """Return `text` with every reference replaced; what cannot be is left and noted in `faults`.

        `link` makes a link of a label and an address; without it the label stands alone.
        """

        def replacement(match: re.Match[str]) -> str:
            figure, clause = match.groups()
            try:
                return self._figure(figure) if figure is not None else link(*self._clause(clause.strip()))
            except LookupError:
                self.faults.append(f"{match[0]} refers to nothing")
                return match[0]

        return _REFERENCE.sub(replacement, text)

    def _clause(self, clause: str) -> tuple[str, str]:
        label = self.book.label(clause)
        self.clauses[clause] = None
        return label, address(clause)

    def _figure(self, written: str) -> str:
        if match := _TARGET.fullmatch(written):
            return self._target(*match.groups())
        if match := _FIGURE.fullmatch(written):
            return self._programme(*match.groups())
        raise LookupError(written)

    def _target(self, name: str, time: str | None) -> str:
        target = self.book.targets[name]
        figure = _only([f for f in target.figures if time in {None, f.dated.value if f.dated else None}])
        if target.clause:
            self.clauses[target.clause] = None
        return money_text(round(figure.value * 100)) if figure.unit == _YUAN else f"{figure.value}{figure.unit}"

    def _programme(self, programme: str, version: str | None, name: str, choices: str) -> str:
        term = [term for term in self.book.terms[programme] if version in {None, term.version.id}][-1]
        text = _text(self.book, term, name, set(choices.split(".")[1:]))
        self.programmes[programme] = None
        self.clauses[term.version.clause] = None
        return text


def address(clause: str) -> str:
    """Return where a clause is read."""
    policy, _, number = clause.partition("/")
    return f"/api/v1/policies/{policy}/clauses/{number}"


def _text(book: PolicyBook, term: Term, name: str, choices: set[str]) -> str:
    """Return one figure of a version in Chinese; raises LookupError where it has none, or several."""
    if name in {"amount", "rate"}:
        amount = _only([a for a in term.version.amounts if choices <= {str(v).lower() for v in a.when.values()}])
        if name == "amount" and amount.amount_fen is not None:
            return money_text(amount.amount_fen)
        return amount_text(amount, book.vocabulary)
    if name in {"from", "to"} and not choices:
        return (term.starts if name == "from" else term.ends).text()
    condition = _only([c for c in term.version.conditions if c.fact == name and choices <= {c.comparison}])
    return value_text(_only(condition.values), book.vocabulary.fact(name), book.vocabulary)


def _only(items: Sequence[T]) -> T:
    if len(items) != 1:
        raise LookupError
    return items[0]
