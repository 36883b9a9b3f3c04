"""One line of a school's list, read: from the body of a request and from the row of a spreadsheet alike."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from server.enrolments.models import Intake, Level
from server.imports.remarks import Remark
from server.kernel import codes
from server.kernel.sensitive import Kind, Sensitive
from server.people import names
from server.students import id_number
from server.students.id_number import IdNumber, Regions

Values = Mapping[str, str | None]
LONGEST_TEXT = 100
LASTING = ("level", "entered_on", "major", "repeating")
"""What a later list does not change."""
_RECORD_NUMBER = re.compile(r"[0-9A-Z]{19}")
_FROM_ID_NUMBER = "G"
"""What the national number of a record begins with that is made of an ID number."""
_UNPRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_YES_OR_NO = {"true": True, "是": True, "false": False, "否": False}


class Terms(NamedTuple):
    """What holds for every line of a list.

    `level` and `entered_on` serve where a line names none; students enter between `earliest` and `latest`.
    """

    year: int
    intake: Intake
    level: Level | None
    entered_on: date
    earliest: date
    latest: date


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows from outside that a student is registered: a 学籍 number, a document, or both; false where neither."""

    number: Sensitive | None = None
    document: str = ""

    def __bool__(self) -> bool:
        return bool(self.number or self.document)


@dataclass(frozen=True, slots=True)
class Listed:
    """A student on a school's list, once what is said is well-formed."""

    name: Sensitive
    number: IdNumber
    year: int
    intake: Intake
    level: Level
    entered_on: date
    major: str = ""
    repeating: bool = False
    evidence: Evidence = field(default_factory=Evidence)
    said: frozenset[str] = frozenset(LASTING)
    """Of what lasts, that which the sender said: the rest is what the year or the form has."""


def read(values: Values, terms: Terms, regions: Regions, today: date) -> Listed | list[Remark]:
    """Return the line, or all that is wrong with it.

    `values` are texts by the names of fields: name, id_number, level, entered_on, major, repeating, record_number,
    record_document. A field that is left out, None or blank was not filled in.
    """
    given = {name: text.strip() for name, text in values.items() if text and text.strip()}
    remarks: list[Remark] = []
    name, number = _name(given, remarks), _number(given, regions, today, remarks)
    level, entered_on = _level(given, terms, remarks), _entered_on(given, terms, remarks)
    major, repeating = _text(given, "major", remarks), _repeating(given, remarks)
    evidence = _evidence(given, number, regions, today, remarks)
    if remarks or name is None or number is None or level is None:
        return remarks
    said = frozenset({"level", *given}).intersection(LASTING)  # a level is chosen for the whole list
    return Listed(name, number, terms.year, terms.intake, level, entered_on, major, repeating, evidence, said)


def record_number(text: str, own: IdNumber, regions: Regions, today: date) -> Sensitive | str:
    """Return the number of a student's record, or the code of what is wrong with it.

    Nineteen characters; an ID number in it is the student's own.
    """
    number, own_number = codes.plain(text), own.number.reveal()
    if not _RECORD_NUMBER.fullmatch(number):
        return "record_number_form"
    parts = [part for part in (number[1:], number[:-1]) if isinstance(id_number.check(part, regions, today), IdNumber)]
    of_another = number.startswith(_FROM_ID_NUMBER) and number[1:] != own_number
    if of_another or (parts and own_number not in parts):
        return "record_number_other"
    return Sensitive(Kind.STUDENT_NUMBER, number)


def _name(given: Mapping[str, str], remarks: list[Remark]) -> Sensitive | None:
    if "name" not in given:
        remarks.append(Remark("name", "missing"))
        return None
    spelt = names.normalised(given["name"])
    if spelt is None:
        remarks.append(Remark("name", "person_name", {"most": names.LONGEST}))
        return None
    return Sensitive(Kind.NAME, spelt)


def _number(given: Mapping[str, str], regions: Regions, today: date, remarks: list[Remark]) -> IdNumber | None:
    checked = id_number.check(given["id_number"], regions, today) if "id_number" in given else "missing"
    if isinstance(checked, IdNumber):
        return checked
    remarks.append(Remark("id_number", str(checked)))
    return None


def _level(given: Mapping[str, str], terms: Terms, remarks: list[Remark]) -> Level | None:
    if "level" not in given:
        if terms.level is None:
            remarks.append(Remark("level", "missing"))
        return terms.level
    try:
        return Level(given["level"])
    except ValueError:
        remarks.append(Remark("level", "enum", {"expected": "、".join(Level)}))
        return None


def _entered_on(given: Mapping[str, str], terms: Terms, remarks: list[Remark]) -> date:
    try:
        day = date.fromisoformat(given["entered_on"]) if "entered_on" in given else terms.entered_on
    except ValueError:
        remarks.append(Remark("entered_on", "date_parsing"))
        return terms.entered_on
    if not terms.earliest <= day <= terms.latest:
        facts = {"earliest": terms.earliest.isoformat(), "latest": terms.latest.isoformat()}
        remarks.append(Remark("entered_on", "entered_outside_year", facts))
    return day


def _text(given: Mapping[str, str], name: str, remarks: list[Remark]) -> str:
    text = given.get(name, "")
    if len(text) > LONGEST_TEXT:
        remarks.append(Remark(name, "string_too_long", {"max_length": LONGEST_TEXT}))
    elif _UNPRINTED.search(text):
        remarks.append(Remark(name, "string_pattern_mismatch"))
    elif codes.personal(text):
        remarks.append(Remark(name, "personal_number"))
    return text


def _repeating(given: Mapping[str, str], remarks: list[Remark]) -> bool:
    said = _YES_OR_NO.get(given.get("repeating", "false").lower())
    if said is None:
        remarks.append(Remark("repeating", "yes_or_no"))
    return bool(said)


def _evidence(
    given: Mapping[str, str], own: IdNumber | None, regions: Regions, today: date, remarks: list[Remark]
) -> Evidence:
    document = _text(given, "record_document", remarks)
    if "record_number" not in given or own is None:
        return Evidence(document=document)
    number = record_number(given["record_number"], own, regions, today)
    if isinstance(number, Sensitive):
        return Evidence(number, document)
    remarks.append(Remark("record_number", number))
    return Evidence(document=document)
