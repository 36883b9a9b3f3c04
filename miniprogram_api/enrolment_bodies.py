"""What schools and reviewers say of enrolments."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo
from pydantic_core import PydanticCustomError

from miniprogram_api.people import Reason
from miniprogram_api.reading import IMPERSONAL, Body, Day
from server.enrolments import listing
from server.enrolments.listing import LONGEST_TEXT, Listed, Terms
from server.enrolments.models import Intake, Level, MatchVerdict
from server.imports.remarks import Remark
from server.kernel import clock
from server.kernel.errors import FieldFault, invalid
from server.kernel.sensitive import Kind, Sensitive
from server.people import names
from server.students import id_number
from server.students.id_number import Regions

_PRINTED = r"^[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]*$"
_STUDENT = ("name", "id_number")


def _spelt(text: str) -> str:
    if not names.normalised(text):
        raise PydanticCustomError("person_name", "no name", {"most": names.LONGEST})
    return text


def _well_formed(text: str, info: ValidationInfo) -> str:
    if info.context and isinstance(wrong := id_number.check(text, info.context.id_regions, clock.today()), str):
        raise PydanticCustomError(str(wrong), "no ID number")
    return text


Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_TEXT, pattern=_PRINTED), IMPERSONAL]
RecordNumber = Annotated[str, Field(max_length=LONGEST_TEXT, examples=["G340802201001010014"])]


Spelt = Annotated[str, Field(max_length=4 * names.LONGEST), AfterValidator(_spelt)]


class NamedStudent(Body):
    """Who a student is."""

    name: Spelt
    id_number: Annotated[str, Field(max_length=100, examples=["340802201001010014"]), AfterValidator(_well_formed)]


class NewEnrolment(Body):
    """A student on the list of `organisation`, which may be left out where it is the only one.

    `entered_on` is the first day of the intake where it is left out. With `record_number` (学籍号) or
    `record_document` the student is registered at once. `repeating`: entered again a year entered before.
    """

    organisation: UUID | None = None
    year: Annotated[int, Field(ge=2000, le=2100)]
    intake: Intake
    level: Level
    student: NamedStudent
    entered_on: Day | None = None
    major: Line = ""
    repeating: bool = False
    record_number: RecordNumber | None = None
    record_document: Line = ""


class EnrolmentChanges(Body):
    """What was mistyped of a student who is only listed as yet; what is left out, or null, stays."""

    name: Spelt | None = None
    level: Level | None = None
    major: Line | None = None
    repeating: bool | None = None

    def said(self) -> Mapping[str, Any]:
        """Return what was given, as the service takes it."""
        given = self.model_dump(exclude_none=True)
        spelt = names.normalised(self.name) if self.name else None
        return {**given, "name": Sensitive(Kind.NAME, spelt)} if spelt else given


class Moving(Body):
    """From which day on it holds, today where it is left out, and why."""

    on: Day | None = None
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), IMPERSONAL] = ""


class Registering(Moving):
    """What shows that a student is registered: a number, a document, or both."""

    record_number: RecordNumber | None = None
    record_document: Line = ""


class Reasoned(Reason):
    """From which day on it holds, today where it is left out, and why."""

    on: Day | None = None


class Transferring(Reasoned):
    """To which school of the group, null for one outside."""

    to: UUID | None


class MatchDecision(Reason):
    """Whether this claim and the enrolment mean the same student."""

    referral: UUID
    verdict: MatchVerdict


def listed(said: NewEnrolment, terms: Terms, regions: Regions) -> Listed:
    """Return the line that a body says; raises DomainError 422 with all that is wrong."""
    line = listing.read(_values(said), terms, regions, clock.today())
    if isinstance(line, Listed):
        return line
    raise invalid(*map(_fault, line))


def _values(said: NewEnrolment) -> Mapping[str, str | None]:
    return {
        "name": said.student.name,
        "id_number": said.student.id_number,
        "level": said.level,
        "entered_on": said.entered_on.isoformat() if said.entered_on else None,
        "major": said.major,
        "repeating": "true" if said.repeating else None,
        "record_number": said.record_number,
        "record_document": said.record_document,
    }


def _fault(remark: Remark) -> FieldFault:
    place = f"/student/{remark.field}" if remark.field in _STUDENT else f"/{remark.field}"
    return FieldFault(place, remark.code, dict(remark.facts))
