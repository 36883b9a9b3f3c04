"""What schools say of the students they send: every value by itself checked while it is read, then all together."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from miniprogram_api.people import Reason
from miniprogram_api.reading import Body, Day
from server.enrolments.models import Intake, Level
from server.imports.remarks import Remark
from server.kernel import clock
from server.kernel.errors import DomainError, FieldFault, invalid
from server.people import names
from server.referrals import claims, rules
from server.referrals.claims import AMENDABLE, Claim, Terms
from server.referrals.correction import Right
from server.students import id_number
from server.students.id_number import Regions

LONGEST_TYPED = 100


def _well_formed(field: str) -> AfterValidator:
    """Return the check of the text of one field by itself, as rows of lists are checked."""

    def check(text: str, info: ValidationInfo) -> str:
        regions = info.context.id_regions if info.context else ()
        wrong = claims.fault(field, text, regions, clock.today())
        if wrong:
            raise PydanticCustomError(wrong.code, wrong.code, dict(wrong.facts))
        return text

    return AfterValidator(check)


def _not_to_come(day: date) -> date:
    if day > clock.today():
        raise PydanticCustomError("day_to_come", "day_to_come")
    return day


Name = Annotated[str, Field(max_length=4 * names.LONGEST), _well_formed("name")]
Number = Annotated[str, Field(max_length=LONGEST_TYPED, examples=["340802201001010014"]), _well_formed("id_number")]
Phone = Annotated[str, Field(max_length=LONGEST_TYPED, examples=["13955600000"]), _well_formed("phone")]
ClassName = Annotated[str, Field(max_length=LONGEST_TYPED), _well_formed("class_name")]
Past = Annotated[Day, AfterValidator(_not_to_come)]


class SaidStudent(Body):
    """Who a student is."""

    name: Name
    id_number: Number


class _Said(Body):
    """What may be said of a student besides."""

    named_school: UUID | None = None
    level: Level | None = None
    phone: Phone | None = None
    guardian_name: Name | None = None
    guardian_phone: Phone | None = None
    guardian_consent_on: Past | None = None
    class_name: ClassName | None = None

    def texts(self) -> dict[str, str | None]:
        """Return what was given, as rows of lists are."""
        given = {name: getattr(self, name) for name in AMENDABLE if name in self.model_fields_set}
        return {name: None if value is None else str(value) for name, value in given.items()}


class NewReferral(_Said):
    """A student whom a school sends for a year and intake.

    `named_school` is where the school says the student goes. Of a student under 14 the guardian is named, and when
    they consented.
    """

    organisation: UUID | None = None
    year: int
    intake: Intake
    student: SaidStudent

    def claim(self, terms: Terms, regions: Regions) -> Claim:
        """Return it as the service takes it; raises DomainError 422 with all that is wrong with it."""
        values = {**self.texts(), "name": self.student.name, "id_number": self.student.id_number}
        found = claims.read(values, terms, regions, rules.in_force(), clock.today())
        if isinstance(found, Claim):
            return found
        raise _refused(found, {"name": "/student/name", "id_number": "/student/id_number"})


class ReferralChanges(_Said):
    """What is to change; what is left out stays, null takes a value away."""

    def said(self, schools: Mapping[str, UUID]) -> Mapping[str, Any]:
        """Return what was given, as the service takes it; raises DomainError 422 with all that is wrong with it."""
        found, wrong = claims.amended(self.texts(), schools, clock.today())
        if wrong:
            raise _refused(wrong)
        return found


class Correction(Reason):
    """The right ID number, and the right name where that changes too; and why."""

    id_number: Number
    name: Name | None = None

    def right(self, regions: Regions) -> Right:
        """Return it as the service takes it; raises DomainError 422."""
        number = id_number.check(self.id_number, regions, clock.today())
        if isinstance(number, id_number.Reason):
            raise invalid(FieldFault("/id_number", number))
        return Right(number, claims.name(self.name) if self.name else None)


def _refused(wrong: Sequence[Remark], pointers: Mapping[str, str] | None = None) -> DomainError:
    places = pointers or {}
    return invalid(*(FieldFault(places.get(one.field, f"/{one.field}"), one.code, dict(one.facts)) for one in wrong))
