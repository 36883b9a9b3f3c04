"""What clients say of organisations: every value checked and brought into its normal form while it is read."""

from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from miniprogram_api.people import Reason
from miniprogram_api.reading import Body, Day
from server.kernel import clock
from server.kernel.sensitive import Kind as Personal
from server.kernel.sensitive import Sensitive
from server.organisations import rules
from server.organisations.applications import Application
from server.organisations.credit_codes import CreditCode, SchoolCode, check_credit_code, check_school_code
from server.organisations.decisions import Verdict
from server.organisations.roles import Kind
from server.people import names

Code = TypeVar("Code", bound=str)
APPLYING = tuple(kind for kind in Kind if kind is not Kind.SECRETARIAT)


def _fault(code: str, **params: Any) -> PydanticCustomError:
    """Return a fault of one field; `code` is one of `content/problems.yaml` under `faults`."""
    return PydanticCustomError(code, code, params)


def _applying(kind: Kind) -> Kind:
    if kind not in APPLYING:
        raise _fault("enum", expected=", ".join(f"'{one}'" for one in APPLYING))
    return kind


def _checked(check: Callable[[str], Code | StrEnum]) -> Callable[[str], Code]:
    def validate(text: str) -> Code:
        found = check(text)
        if isinstance(found, StrEnum):
            raise _fault(found)
        return found

    return validate


def _person(text: str) -> str:
    name = names.normalised(text)
    if not name:
        raise _fault("person_name", most=names.LONGEST)
    return name


def _region(code: str, info: ValidationInfo) -> str:
    if info.context and code not in {region.code for region in info.context.reference.regions}:
        raise _fault("region_unknown")
    return code


def _in_force(day: date) -> date:
    if day < clock.today():
        raise _fault("licence_expired")
    return day


_SEEN = r"^[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]*$"
"""No character that nobody sees: two names that look alike are alike."""
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=100, pattern=_SEEN)]
Address = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200, pattern=_SEEN)]
Number = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=_SEEN)]
CreditCodeText = Annotated[CreditCode, AfterValidator(_checked(check_credit_code))]
SchoolCodeText = Annotated[SchoolCode, AfterValidator(_checked(check_school_code))]
Region = Annotated[str, Field(examples=["340803"], max_length=6), AfterValidator(_region)]
Contact = Annotated[str, Field(max_length=4 * names.LONGEST), AfterValidator(_person)]
ValidTo = Annotated[Day, AfterValidator(_in_force)]


class NewOrganisation(Body):
    """An organisation as its applicant describes it.

    A school may give its school code (学校标识码) in place of the credit code, or both. `contact_name` is the person
    handling it. `licence_valid_to` is left out where the licence has no end; those who post jobs have a
    `licence_number`.
    """

    kind: Annotated[Kind, AfterValidator(_applying)]
    name: Name
    credit_code: Annotated[CreditCodeText | None, Field(validate_default=True)] = None
    school_code: Annotated[SchoolCodeText | None, Field(validate_default=True)] = None
    region: Region
    address: Address
    contact_name: Contact
    licence_number: Annotated[Number | None, Field(validate_default=True)] = None
    licence_valid_to: ValidTo | None = None

    @field_validator("school_code")
    @classmethod
    def _only_of_schools(cls, code: SchoolCode | None, info: ValidationInfo) -> SchoolCode | None:
        if code and info.data.get("kind", Kind.FEEDER_SCHOOL) not in rules.SCHOOLS:
            raise _fault("only_for_schools")
        return code

    @field_validator("credit_code")
    @classmethod
    def _needed_by_others(cls, code: CreditCode | None, info: ValidationInfo) -> CreditCode | None:
        if not code and info.data.get("kind", Kind.FEEDER_SCHOOL) not in rules.SCHOOLS:
            raise _fault("missing")
        return code

    @field_validator("school_code")
    @classmethod
    def _some_code(cls, code: SchoolCode | None, info: ValidationInfo) -> SchoolCode | None:
        neither = not code and info.data.get("credit_code", "faulty") is None
        if neither and info.data.get("kind") in rules.SCHOOLS:
            raise _fault("code_missing")
        return code

    @field_validator("licence_number")
    @classmethod
    def _needed_by_job_posters(cls, number: str | None, info: ValidationInfo) -> str | None:
        if not number and info.data.get("kind") in rules.JOB_POSTERS:
            raise _fault("licence_missing")
        return number

    def application(self) -> Application:
        """Return it as the service takes it."""
        return Application(**{**dict(self), "contact_name": Sensitive(Personal.NAME, self.contact_name)})


class Correction(Body):
    """What is to change; what is left out stays. Null takes a code, or the end of the licence, away."""

    name: Name | None = None
    credit_code: CreditCodeText | None = None
    school_code: SchoolCodeText | None = None
    region: Region | None = None
    address: Address | None = None
    contact_name: Contact | None = None
    licence_number: Number | None = None
    licence_valid_to: ValidTo | None = None

    @field_validator("name", "region", "address", "contact_name", "licence_number")
    @classmethod
    def _stays(cls, value: str | None) -> str:
        if value is None:
            raise _fault("missing")
        return value

    def given(self) -> Mapping[str, Any]:
        """Return what was given, as the service takes it."""
        found = {name: getattr(self, name) for name in self.model_fields_set}
        if "contact_name" in found:
            found["contact_name"] = Sensitive(Personal.NAME, found["contact_name"])
        return found


class Renewal(Body):
    """That what is known of the organisation still holds, with what is new about its licence; null: without end."""

    licence_number: Number | None = None
    licence_valid_to: ValidTo | None = None

    def given(self) -> Mapping[str, Any]:
        """Return what was given."""
        found = {name: getattr(self, name) for name in self.model_fields_set}
        return {name: value for name, value in found.items() if value is not None or name == "licence_valid_to"}


class Decision(Reason):
    """A reviewer's verdict, and why."""

    verdict: Verdict


class GroupMembership(Reason):
    """From when to when a vocational school is a member of the group, and why; null: never was, and without end."""

    member_since: Day | None
    member_until: Day | None = None


class Closing(Reason):
    """Why an organisation is closed, and after a merger which one carries it on."""

    successor: Annotated[UUID | None, Field(strict=False)] = None
