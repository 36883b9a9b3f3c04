"""Applications for the tests: invented organisations with codes of their own."""

from itertools import count
from typing import Any

from stdnum.cn import uscc

from server.kernel.sensitive import Kind as Personal
from server.kernel.sensitive import Sensitive
from server.organisations.applications import Application
from server.organisations.credit_codes import CreditCode
from server.organisations.models import Organisation
from server.organisations.roles import Kind, Role
from server.people.service import Decider
from tests.factories import make_member, make_organisation, make_person

_numbers = count(1)
FIRM = "澄江精密零部件有限公司（示例）"
CONTACT = "孙立行"


def credit_code() -> CreditCode:
    """A code that no other test has."""
    body = f"91340803{next(_numbers):09d}"
    return CreditCode(body + uscc.calc_check_digit(body))


def application(kind: Kind = Kind.ENTERPRISE, **values: Any) -> Application:
    said = {
        "name": FIRM,
        "credit_code": credit_code(),
        "school_code": None,
        "region": "340803",
        "address": "大观区示例路1号",
        "contact_name": Sensitive(Personal.NAME, CONTACT),
        "licence_number": "皖（示例）0001",
        "licence_valid_to": None,
    }
    return Application(kind=kind, **{**said, **values})


async def reviewer() -> Decider:
    """Somebody of the secretariat, with a reason."""
    secretariat = await Organisation.get_or_none(kind=Kind.SECRETARIAT)
    secretariat = secretariat or await make_organisation(Kind.SECRETARIAT, name="秘书处")
    person = await make_person()
    await make_member(secretariat, Role.REVIEWER, person)
    return Decider(person.id, "材料齐全，核对无误")
