"""What clients say of postings: plain text, kept as it was written, every value within what can be kept."""

import re
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from miniprogram_api.organisation_bodies import Contact as PersonName
from miniprogram_api.organisation_bodies import Region
from miniprogram_api.people import Reason as PlainReason
from miniprogram_api.reading import IMPERSONAL, Body, Day
from miniprogram_api.tables import Exportable
from server.kernel import codes
from server.kernel.sensitive import Kind, Sensitive
from server.labour import review
from server.labour.contacts import Contact
from server.labour.drafts import Draft
from server.labour.models import ContactShown, PayUnit, PostingKind, ReportState, Settlement, Shift, Side, Supplier
from server.labour.reports import Verdict as ReportVerdict
from server.labour.reports import What
from server.labour.review import Verdict
from server.labour.service import Given

MOST = 2_000_000_000
LATITUDE, LONGITUDE = 90, 180
_PHONE = r"^(1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8}|400-?[0-9]{3}-?[0-9]{4})$"
_STEERING = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u115f\u1160\u3164\uffa0"
"""Control characters, those that turn the direction of what follows, letters nobody sees; joiners are part of emoji."""
_TEXT = rf"^[^{_STEERING}]*$"
_DAY = re.compile(r"(?<!\d)20\d\d-\d\d-\d\d(?!\d)")
_LINE = rf"^[^{_STEERING}\n\r\t]*$"


def _known(code: str, names: set[str] | None) -> str:
    if names is not None and code not in names:
        raise PydanticCustomError("trade_unknown", "trade_unknown", {})
    return code


def _occupation(code: str, info: ValidationInfo) -> str:
    return _known(code, {one.id for one in info.context.reference.occupations} if info.context else None)


def _major(code: str, info: ValidationInfo) -> str:
    return _known(code, {one.id for one in info.context.reference.majors} if info.context else None)


def _county(code: str, info: ValidationInfo) -> str:
    cities = {one.code for one in info.context.reference.regions if one.kind == "city"} if info.context else set()
    if code in cities:
        raise PydanticCustomError("region_city", "region_city", {})
    return code


def _of_nobody(text: str) -> str:
    """Refuse somebody's number; dates, and figures on different lines, are not taken for one."""
    if any(codes.personal(line) for line in _DAY.sub("/", text).splitlines()):
        raise PydanticCustomError("personal_number", "a personal number")
    return text


OF_NOBODY = AfterValidator(_of_nobody)
"""For every text of a posting, which the public reads: nobody's citizen, card or mobile number in it."""


def _line(most: int) -> Any:
    return StringConstraints(max_length=most, pattern=_LINE)


def _lines(most: int) -> Any:
    return StringConstraints(max_length=most, pattern=_TEXT)


Time = Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["08:00"])]
Span = Annotated[list[Time], Field(min_length=2, max_length=2)]
Hours = dict[Literal["1", "2", "3", "4", "5", "6", "7"], Annotated[list[Span], Field(max_length=6)]]
County = Annotated[Region, AfterValidator(_county)]
Longitude = Annotated[float, Field(ge=-LONGITUDE, le=LONGITUDE)]
Count = Annotated[int, Field(ge=1, le=MOST)]
Age = Annotated[int, Field(ge=0, le=120)]
Occupation = Annotated[str, Field(max_length=64), AfterValidator(_occupation)]
Major = Annotated[str, Field(max_length=64), AfterValidator(_major)]


class ContactBody(Body):
    """Whom one asks for; `shown` says to whom. An offer's contact is never shown before it is accepted."""

    name: PersonName
    phone: Annotated[str, Field(max_length=20), AfterValidator(codes.plain), StringConstraints(pattern=_PHONE)]
    shown: ContactShown = ContactShown.AFTER_ACCEPTANCE

    def contact(self) -> Contact:
        """Return it as the service takes it."""
        return Contact(Sensitive(Kind.NAME, self.name), Sensitive(Kind.PHONE, self.phone), self.shown)


class Change(Body):
    """What is to change; what is left out stays, null takes away.

    `hours` are the spans of each weekday, 1 Monday to 7 Sunday, empty where they are open; a span that ends no later
    than it begins ends on the next day. `pay_fen` is for one `pay_unit`. `source` says where a repost is from.
    """

    title: Annotated[str, _line(60), OF_NOBODY] = ""
    occupation: Occupation | None = None
    major: Major | None = None
    region: County | None = None
    address: Annotated[str, _line(200), OF_NOBODY] = ""
    latitude: Annotated[float, Field(ge=-LATITUDE, le=LATITUDE)] | None = None
    longitude: Annotated[Longitude | None, Field(validate_default=True)] = None
    headcount: Count | None = None
    starts_on: Day | None = None
    ends_on: Day | None = None
    hours: Hours = Field(default_factory=dict)
    shift: Shift = Shift.DAY
    pay_fen: Annotated[int, Field(ge=0, le=MOST)] | None = None
    pay_unit: PayUnit | None = None
    pieces_per_hour: Count | None = None
    settlement: Settlement | None = None
    deductions: Annotated[str, _lines(500), OF_NOBODY] = ""
    meals: bool = False
    lodging: bool = False
    transport: bool = False
    insurance: Annotated[str, _lines(200), OF_NOBODY] = ""
    age_min: Age | None = None
    age_max: Age | None = None
    requirements: Annotated[str, _lines(2000), OF_NOBODY] = ""
    description: Annotated[str, _lines(10_000), OF_NOBODY] = ""
    contact: ContactBody | None = None
    source: Annotated[str, _line(200), OF_NOBODY] = ""
    valid_until: Day | None = None

    @field_validator("longitude")
    @classmethod
    def _both(cls, longitude: float | None, info: ValidationInfo) -> float | None:
        if "latitude" in info.data and (longitude is None) != (info.data["latitude"] is None):
            raise PydanticCustomError("missing", "missing")
        return longitude

    def given(self) -> Given:
        """Return what was given, as the service takes it."""
        fields = {name: getattr(self, name) for name in self.model_fields_set if name in Draft.model_fields}
        said = "contact" in self.model_fields_set
        return Given(fields, self.contact.contact() if self.contact else None, said)


class NewPosting(Change):
    """A posting, as far as its poster can say it yet. `organisation` is for whom, and may be left out by who has one.

    `supplier` is said of an offer: a `student` or a `team` of students offers itself, a `school_class` is its school's.
    """

    side: Side
    kind: PostingKind
    supplier: Supplier | None = None
    organisation: Annotated[UUID | None, Field(strict=False)] = None

    def draft(self) -> Draft:
        """Return it as the service takes it."""
        return Draft(**self.given().fields)


class Renewal(Body):
    """Until when it is valid from now on; 30 days more where that is left out."""

    valid_until: Day | None = None


FieldName = Literal[
    "title", "occupation", "major", "region", "address", "latitude", "longitude", "headcount", "starts_on", "ends_on",
    "hours", "shift", "pay_fen", "pay_unit", "pieces_per_hour", "settlement", "deductions", "meals", "lodging",
    "transport", "insurance", "age_min", "age_max", "requirements", "description", "contact", "source",
    "valid_until", "",
]  # fmt: skip
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), IMPERSONAL]


class ReasonBody(Body):
    """What is to be changed in a field, or in the whole where none is named."""

    field: FieldName = ""
    text: Words


class PostingDecision(Body):
    """A reviewer's verdict; to return a posting takes reasons."""

    verdict: Verdict
    reasons: Annotated[tuple[ReasonBody, ...], Field(max_length=30, strict=False)] = ()

    def listed(self) -> list[review.Reason]:
        """Return the reasons as the service takes them."""
        return [review.Reason(reason.text, reason.field) for reason in self.reasons]


class NewReport(Body):
    """What is wrong with a posting; `note` names nobody."""

    what: What
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000, pattern=_TEXT), IMPERSONAL] = ""


class ReportDecision(PlainReason):
    """What comes of a report, and why; upheld, its posting is removed."""

    verdict: ReportVerdict


class ReportQuery(Exportable):
    """Which reports."""

    state: ReportState | None = None
