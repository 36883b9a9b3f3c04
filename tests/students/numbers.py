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
_PLACES = (
    "340802", "340803", "340811", "340822", "340825", "340826", "340827", "340828", "340881", "340882", "340722",
)  # fmt: skip


def number_of(born: date) -> str:
    """A number of someone born on a day, another one each time."""
    place, order = divmod(next(_orders), 1000)
    body = f"{_PLACES[place]}{born:%Y%m%d}{order:03}"
    return body + check_character(body)


def claim(number: str, relation: Relation = Relation.SELF, name: str = "何小满") -> Claim:
    return service.claim(name, number, relation, REGIONS)
