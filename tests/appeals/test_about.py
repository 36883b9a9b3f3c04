"""What an appeal is about is said in words that people know it by, whatever kind it is of."""

import pytest

from server.appeals import about
from server.appeals.models import Appeal
from server.appeals.refusals import CONTESTABLE
from server.kernel import clock
from server.kernel.ids import new_id
from server.kernel.sensitive import Kind
from server.organisations import payee_accounts
from server.organisations.models import AccountBasis
from server.organisations.payee_accounts import Named
from server.students.models import Relation, StudentLink
from tests.factories import make_engagement, make_organisation, make_person, make_posting
from tests.harness.awarding import make_award
from tests.harness.referring import NAME, make_claim, sealed

pytestmark = pytest.mark.usefixtures("database")
ACCOUNT = Named(AccountBasis.OWN_ACCOUNT, "江畔中学（示例）", "宜城农商银行（示例）", "6217000099999999")


async def test_every_kind_of_appeal_says_what_it_is_about() -> None:
    assert about.NAMES.keys() == CONTESTABLE.keys()
    claim, person = await make_claim(await make_organisation()), await make_person()
    posting = await make_posting(title="采茶工", person_id=person.id)
    engagement = await make_engagement(posting, person.id)
    award = await make_award(claim)
    link_id, school = new_id(), await make_organisation(name="江畔中学（示例）")
    link = await StudentLink.create(
        id=link_id, person=person, student_id=claim.student_id, relation=Relation.SELF,
        **sealed("student_link", link_id, "name", Kind.NAME, NAME), created_at=clock.now(),
    )  # fmt: skip
    account = await payee_accounts.name(school.id, ACCOUNT, by=new_id())
    named = {
        f"organisation:{school.id}": "江畔中学（示例）",
        f"student_link:{link.id}": "***尾",
        f"referral:{claim.id}": claim.number,
        f"payee_account:{account.id}": "江畔中学（示例）",
        f"posting:{posting.id}": "采茶工",
        f"engagement:{engagement.id}": "采茶工",
        f"award:{award.id}": claim.number,
        f"referral:{new_id()}": "",
    }
    found = await about.seen([Appeal(subject=subject) for subject in named])
    assert [one.name for one in found] == list(named.values())
