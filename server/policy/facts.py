"""The vocabulary of the rules: what may be asked, and what counts as an answer."""

from datetime import date
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from server.kernel.content import Content
from server.kernel.errors import FieldFault

Value = bool | int | float | str


class Option(Content):
    """One answer to choose."""

    value: str
    label: str


class Range(Content):
    """The figures that make sense, both included."""

    low: int
    high: int


class Fact(Content):
    """One fact, which is also the question that asks for it (there `id` is called `fact`).

    A boolean is true or false; an integer a JSON integer in `range`; a percent a JSON number in `range`; a choice the
    `value` of one of `options`; a date `YYYY-MM-DD`.
    """

    id: Annotated[str, Field(serialization_alias="fact")]
    type: Literal["boolean", "integer", "percent", "choice", "date"]
    question: str
    unit: str | None = None
    options: tuple[Option, ...] = ()
    range: Range | None = None
    help: str | None = None

    @model_validator(mode="after")
    def _parts_fit_type(self) -> Self:
        if (self.type == "choice") != bool(self.options):
            raise ValueError(f"{self.id}: a choice, and nothing else, has options")
        if (self.type in {"integer", "percent"}) != bool(self.range):
            raise ValueError(f"{self.id}: an integer or percent, and nothing else, has a range")
        return self

    @property
    def values(self) -> tuple[Value, ...]:
        """All answers there can be; none for a figure or date."""
        return (True, False) if self.type == "boolean" else tuple(option.value for option in self.options)

    def fault(self, value: Any) -> FieldFault | None:
        """Return why `value` is no answer, None if it is one."""
        code, params = self._fault(value)
        return FieldFault(pointer_to(self.id), code, params, label=self.question) if code else None

    def _fault(self, value: Any) -> tuple[str | None, dict[str, Any]]:
        if self.type == "choice":
            wrong = value not in self.values
            return ("fact_option" if wrong else None), {"options": "、".join(o.label for o in self.options)}
        if not _is_of_type(self.type, value):
            return f"fact_{self.type}", {}
        if self.range and not self.range.low <= value <= self.range.high:
            return "fact_range", {"low": self.range.low, "high": self.range.high}
        return None, {}


def pointer_to(name: str) -> str:
    """Return the JSON pointer (RFC 6901) to a fact in the body of a check."""
    return "/facts/" + name.replace("~", "~0").replace("/", "~1")


def _is_of_type(kind: str, value: Any) -> bool:
    if kind == "boolean" or isinstance(value, bool):
        return kind == "boolean" and isinstance(value, bool)
    if kind == "date":
        return isinstance(value, str) and _is_date(value)
    return isinstance(value, int if kind == "integer" else (int, float))


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


class Phrases(Content):
    """How a need is put in Chinese; `{value}` is the answer with its unit or label."""

    yes: str
    no: str
    separator: str
    """Between the answers of which one is enough."""
    needs: dict[Literal["is", "one_of", "at_least", "at_most"], str]


class SharedWarnings(Content):
    """Warnings that the rules give by themselves, whatever the programme."""

    outside_every_period: str
    start_day_unknown: str
    dates_unknown: str
    amount_unstated: str
    unconfirmed: str
    other_city: str


class Vocabulary(Content):
    """`content/reference/facts.yaml`. The order of `facts` is the order of asking."""

    facts: tuple[Fact, ...]
    per: dict[str, str]
    """What an amount is paid for: code to Chinese measure word."""
    phrases: Phrases
    warnings: SharedWarnings

    @model_validator(mode="after")
    def _facts_once(self) -> Self:
        ids = [fact.id for fact in self.facts]
        if twice := sorted({fact for fact in ids if ids.count(fact) > 1}):
            raise ValueError(f"given twice: {', '.join(twice)}")
        if set(self.phrases.needs) != {"is", "one_of", "at_least", "at_most"}:
            raise ValueError("phrases.needs must word every comparison")
        return self

    def fact(self, name: str) -> Fact | None:
        """Return the fact of that name."""
        return self._by_id.get(name)

    @cached_property
    def _by_id(self) -> dict[str, Fact]:
        return {fact.id: fact for fact in self.facts}
