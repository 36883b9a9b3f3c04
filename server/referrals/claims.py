"""What a school says of a student it sent: the one place where a body or a row of a list becomes a claim. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from server.enrolments.models import Intake, Level
from server.imports.remarks import Remark
from server.kernel import codes
from server.kernel.sensitive import Kind, Sensitive
from server.people import names
from server.referrals.rules import Rules
from server.students import id_number
from server.students.id_number import IdNumber, Reason, Regions

LONGEST_CLASS, LONGEST_PHONE = 50, 100
GUARDIAN = ("guardian_name", "guardian_phone", "guardian_consent_on")
"""What is needed of those who are too young to consent for themselves."""
AMENDABLE = ("named_school", "level", "phone", *GUARDIAN, "class_name")
_PHONE = re.compile(r"(?:\+?86)?(1[3-9][0-9]{9}|0[0-9]{9,11})")
"""A mobile number, or one with its area code in front."""
_SEEN = re.compile(r"[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]*")
_LEVELS: Mapping[str, Level] = {level.value: level for level in Level}
T = TypeVar("T")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for all the claims of a request: `schools` are those that may be named, by id and by name, as text."""

    year: int
    intake: Intake
    enters_on: date
    schools: Mapping[str, UUID]


@dataclass(frozen=True, slots=True)
class Claim:
    """A well-formed claim, every value in its normal form; `age_unusual` that somebody should look at the number."""

    name: Sensitive
    number: IdNumber
    year: int
    intake: Intake
    named_school_id: UUID | None = None
    level: Level | None = None
    phone: Sensitive | None = None
    guardian_name: Sensitive | None = None
    guardian_phone: Sensitive | None = None
    guardian_consent_on: date | None = None
    class_name: str = ""
    age_unusual: bool = False


Values = Mapping[str, str | None]
"""Texts by field: `name`, `id_number` and those in `AMENDABLE`; `named_school` is an id or a name. Empty: not given."""


def read(values: Values, terms: Terms, regions: Regions, rules: Rules, today: date) -> Claim | list[Remark]:
    """Return the claim that `values` make, or everything that is wrong with them."""
    found, wrong = amended(values, terms.schools, today)
    called = _kept("name", _name(values.get("name") or ""), wrong)
    number = _kept("id_number", _number(values.get("id_number") or "", regions, today), wrong)
    if number is not None:
        wrong += age_wrong(number, terms.enters_on, rules)
        wrong += unnamed(values) if too_young(number, today, rules) else ()
    if wrong or called is None or number is None:
        return wrong
    age = number.age_on(terms.enters_on)
    return Claim(called, number, terms.year, terms.intake, **found, age_unusual=rules.ages.unusual(age))


def amended(values: Values, schools: Mapping[str, UUID], today: date) -> tuple[dict[str, Any], list[Remark]]:
    """Return those of the `AMENDABLE` fields that are given in `values`, as `Claim` calls them, and what is wrong."""
    found, wrong = dict[str, Any](), list[Remark]()
    for field in AMENDABLE:
        if field not in values:
            continue
        text = values[field]
        text = text.strip() if text else ""
        value = _kept(field, _READ[field](text, schools, today), wrong) if text else None
        found["named_school_id" if field == "named_school" else field] = value
    if "class_name" in found:
        found["class_name"] = found["class_name"] or ""
    return found, wrong


def name(text: str) -> Sensitive | None:
    """Return a name as it is kept, None for what is none."""
    found = _name(text)
    return None if isinstance(found, _Fault) else found


def fault(field: str, text: str, regions: Regions, today: date) -> Remark | None:
    """Return what is wrong with the text of one field by itself, None where nothing is."""
    wrong = list[Remark]()
    if field == "name":
        _kept(field, _name(text), wrong)
    elif field == "id_number":
        _kept(field, _number(text, regions, today), wrong)
    else:
        wrong = amended({field: text}, {}, today)[1]
    return wrong[0] if wrong else None


def too_young(born: IdNumber, day: date, rules: Rules) -> bool:
    """Whether a guardian consents for who registers on `day`."""
    return born.age_on(day) < rules.guardian.under


def unnamed(values: Mapping[str, Any]) -> Iterator[Remark]:
    """Yield a remark for everything that is missing of a guardian's consent."""
    yield from (Remark(field, "guardian_consent_needed") for field in GUARDIAN if not values.get(field))


def age_wrong(number: IdNumber, enters_on: date, rules: Rules) -> list[Remark]:
    """Return what is wrong with the age at entry: a remark where nobody enters at it."""
    if not rules.ages.refused(number.age_on(enters_on)):
        return []
    return [Remark("id_number", "age_refused", {"low": rules.ages.refused_under, "high": rules.ages.refused_over})]


@dataclass(frozen=True, slots=True)
class _Fault:
    code: str
    facts: Mapping[str, Any]


def _fault(code: str, **facts: Any) -> _Fault:
    return _Fault(code, facts)


def _kept(field: str, value: T | _Fault, wrong: list[Remark]) -> T | None:
    """Return a value; a fault in its place goes to `wrong`, under the name of the field."""
    if not isinstance(value, _Fault):
        return value
    wrong.append(Remark(field, value.code, value.facts))
    return None


def _name(text: str) -> Sensitive | _Fault:
    spelt = names.normalised(text) if text.strip() else ""
    if spelt == "":
        return _fault("missing")
    return Sensitive(Kind.NAME, spelt) if spelt else _fault("person_name", most=names.LONGEST)


def _number(text: str, regions: Regions, today: date) -> IdNumber | _Fault:
    if not text.strip():
        return _fault("missing")
    found = id_number.check(text, regions, today)
    return _fault(found) if isinstance(found, Reason) else found


def _guardian(text: str, *_: Any) -> Sensitive | _Fault:
    return _name(text)


def _phone(text: str, *_: Any) -> Sensitive | _Fault:
    found = _PHONE.fullmatch(codes.undashed(text)) if len(text) <= LONGEST_PHONE else None
    return Sensitive(Kind.PHONE, found[1]) if found else _fault("phone")


def _school(text: str, schools: Mapping[str, UUID], _today: date) -> UUID | _Fault:
    return schools.get(text) or _fault("school_unknown")


def _level(text: str, *_: Any) -> Level | _Fault:
    return _LEVELS.get(text) or _fault("enum", expected="、".join(Level))


def _past(text: str, _schools: Any, today: date) -> date | _Fault:
    try:
        day = date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        return _fault("date_parsing")
    return day if day <= today else _fault("day_to_come")


def _class(text: str, *_: Any) -> str | _Fault:
    if len(text) > LONGEST_CLASS:
        return _fault("string_too_long", max_length=LONGEST_CLASS)
    if not _SEEN.fullmatch(text):
        return _fault("string_pattern_mismatch")
    return _fault("personal_number") if codes.personal(text) else text


_READ: Mapping[str, Callable[[str, Mapping[str, UUID], date], Any]] = {
    "named_school": _school,
    "level": _level,
    "phone": _phone,
    "guardian_name": _guardian,
    "guardian_phone": _phone,
    "guardian_consent_on": _past,
    "class_name": _class,
}
