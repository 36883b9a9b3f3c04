"""Work for the demo people: two students whom the secretariat has checked, and two demands that are live.

Everything goes through the services, and so through the rules and a reviewer, as if the people had done it themselves.
"""

from collections.abc import Mapping
from datetime import date, time, timedelta
from uuid import UUID

from server.app import CONTENT_DIR
from server.kernel import clock
from server.kernel.sensitive import Kind, Sensitive
from server.labour import life, operator, review, rulebook, service
from server.labour.checks import Read
from server.labour.contacts import Contact
from server.labour.drafts import Draft, Span
from server.labour.fairness import Fairness
from server.labour.models import ContactShown, PayUnit, PostingKind, Settlement, Side
from server.labour.review import Verdict as PostingVerdict
from server.labour.service import Poster
from server.organisations.roles import Kind as OrganisationKind
from server.people.service import Decider
from server.policy import service as policies
from server.reference import service as reference
from server.students import service as students
from server.students.id_number import IdNumber, check_character
from server.students.models import Relation
from server.students.service import Claim, Verdict

AGE = 19
HEADCOUNTS = (1, 3)
_SHIFTS = (Span(time(8), time(12)), Span(time(13, 30), time(17, 30)))
"""Of the demand for one and of that for three: whoever works for the one can work for the other."""
_CONTACT = ("孙立行", "13900005678")


def rules() -> Fairness:
    """Return the rules that the demands are judged by; raises ContentError."""
    return Fairness(rulebook.load(CONTENT_DIR, reference.load(CONTENT_DIR, policies.load(CONTENT_DIR))))


async def load(people: Mapping[str, UUID], names: Mapping[str, str], enterprise: UUID, rules: Fairness) -> None:
    """Have both students confirmed and the demands published; joins the transaction. `people` are by openid.

    Where the operator may publish nothing, the demands wait for a reviewer.
    """
    for order, openid in enumerate(("demo-student", "demo-student-2"), start=1):
        await _confirm(people[openid], names[openid], order, people["demo-reviewer"])
    poster = Poster(people["demo-recruiter"], enterprise, OrganisationKind.ENTERPRISE)
    for headcount, shift in zip(HEADCOUNTS, _SHIFTS, strict=True):
        await _publish(_demand(headcount, shift), poster, people["demo-reviewer"], rules)


async def _confirm(person_id: UUID, name: str, order: int, reviewer: UUID) -> None:
    born = date(clock.today().year - AGE, 3, 5)
    body = f"340802{born:%Y%m%d}{order:03}"
    number = IdNumber(Sensitive(Kind.ID_NUMBER, body + check_character(body)), born)
    link = await students.request(person_id, Claim(Sensitive(Kind.NAME, name), number, Relation.SELF))
    await students.decide(link.id, Verdict.CONFIRM, Decider(reviewer, "示例数据"))


def _demand(headcount: int, shift: Span) -> Draft:
    today = clock.today()
    return Draft(
        side=Side.DEMAND,
        kind=PostingKind.SHORT_TERM,
        title=f"零部件包装工{headcount}名（示例）",
        occupation="packer",
        region="340803",
        address="大观区示例路8号",
        headcount=headcount,
        starts_on=today + timedelta(days=3),
        ends_on=today + timedelta(days=32),
        hours=dict.fromkeys(range(1, 6), (shift,)),
        pay_fen=2200,
        pay_unit=PayUnit.HOUR,
        settlement=Settlement.WEEKLY,
        meals=True,
        insurance="雇主责任险",
        age_min=18,
        age_max=60,
        description="零部件分拣、装箱和贴标，有人带教。",
        valid_until=today + timedelta(days=30),
    )


async def _publish(draft: Draft, poster: Poster, reviewer: UUID, rules: Fairness) -> None:
    name, phone = _CONTACT
    contact = Contact(Sensitive(Kind.NAME, name), Sensitive(Kind.PHONE, phone), ContactShown.AFTER_ACCEPTANCE)
    made = await service.create(draft, contact, poster, rules)
    read = Read(made.version)
    sent = await life.submit(made.id, read, by=poster.person_id, version=made.version, rules=rules)
    if operator.qualified():
        await review.decide(made.id, PostingVerdict.PUBLISH, (), by=reviewer, version=sent.version)
