"""ID numbers that pass the check and were never given to anyone that we know of."""

from datetime import date
from itertools import count

from server.students import id_regions, service
from server.students.id_number import check_character
from server.students.models import Relation
from server.students.service import Claim
from tests.policy.shelf import CONTENT

REGIONS = id_regions.load(CONTENT)
_orders = count(1)


def number_of(born: date) -> str:
    """A number of someone born on a day, another one each time."""
    body = f"340802{born:%Y%m%d}{next(_orders):03}"
    return body + check_character(body)


def claim(number: str, relation: Relation = Relation.SELF, name: str = "何小满") -> Claim:
    return service.claim(name, number, relation, REGIONS)
