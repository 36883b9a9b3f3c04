import asyncio, random
from collections import Counter
from datetime import date
import pytest
from server.awards import objections, publications, queue, samples, undoing, life
from server.awards.models import Award, AwardState, Objection, ObjectionState, Publication, RunKind
from server.awards.objections import Word
from server.funds import budgets
from server.funds.budgets import ByHand
from server.funds.models import EntryKind
from server.kernel.errors import DomainError
from server.people.service import Decider
from server.referrals import decisions, service, withdrawal
from server.referrals.models import Referral, Verdict
from tests.awards.deciding import world, REASON
from tests.awards.test_following import Sent, sent, heard  # noqa: F401
from tests.factories import make_person, make_organisation
from tests.harness.funding import REWARD_FEN
from tests.harness.referring import make_student, NAME
from tests.referrals import receiving_world
from tests.referrals.receiving_world import DOCUMENT, at, reconsider
from tests.referrals.registering import claim
from tests.students.numbers import number_of
from tests.referrals.disputing import reviewer

pytestmark = pytest.mark.usefixtures("database")

async def test_stress(sent):
    rnd = random.Random(7)
    here = await world(4)
    here.school = sent.schools.feeder
    at(9, 10)
    students, claims = [], []
    for _ in range(10):
        st = await sent.schools.student()
        await sent.schools.lists(sent.schools.named, st, evidence=DOCUMENT)
        claims.append(await sent.schools.claims(st)); students.append(st)
    at(11, 21)
    for st in students: await reconsider(st)
    awards = []
    for st, c in zip(students, claims):
        awards.append(await here.award(school=sent.schools.feeder, referral_id=c.id, student_id=st.id, matter=""))
    awards += [await here.award(amount_fen=REWARD_FEN * rnd.choice([1, 1, 2, 3])) for _ in range(14)]
    people = [here.reviewer, here.reviewer_2, here.reviewer_3, here.approver, here.approver_2, here.finance]
    judge = await reviewer()
    seen = Counter()
    async def one(kind):
        try:
            a = rnd.choice(awards); p = rnd.choice(people)
            if kind < 12:
                verb = rnd.choice(list(RunKind)[1:])
                some = [x.id for x in rnd.sample(awards, rnd.choice([1, 1, 3, 8]))]
                for d in await life.decide(some, verb, Decider(p, REASON), tell=bool(rnd.getrandbits(1))):
                    seen[f"{verb}:{d.code}"] += 1
                return
            if kind < 14: await undoing.undo(a.id, Decider(p, "x"))
            elif kind == 14:
                for m in await publications.publish(here.year, here.programme, p):
                    if rnd.random() < .8: await Publication.filter(id=m.id).update(ends_on=date(2026, 11, 20))
            elif kind == 15: await objections.to_award(a.id, Word((await make_person()).id, "x"))
            elif kind == 16:
                o = await Objection.filter(state=ObjectionState.OPEN).first()
                if o: await objections.decide(o.id, rnd.choice(list(objections.Verdict)), Decider(p, "x"))
            elif kind == 17: await queue.work({"fund": str(here.fund.id)})
            elif kind == 18:
                k = rnd.choice([EntryKind.APPROPRIATE, EntryKind.REDUCE])
                await budgets.enter(here.fund.id, here.budget.year, ByHand(k, REWARD_FEN, here.finance, "x"))
            elif kind == 19:
                i = rnd.randrange(10)
                from server.students.sealed import identity
                r = await service.register((await make_organisation()).id, claim(identity(students[i]).number.reveal(), NAME), by=(await make_person()).id)
            elif kind == 20:
                c = await Referral.filter(state="disputed").first()
                if c: await withdrawal.withdraw(c.id, Decider(here.finance, "x"))
            elif kind == 21:
                c = rnd.choice(claims)
                await decisions.decide(c.id, rnd.choice([Verdict.UPHOLD, Verdict.UPHOLD, Verdict.REJECT]), judge)
            seen[f"k{kind}:ok"] += 1
        except DomainError as e:
            seen[f"k{kind}:{e.slug}"] += 1
        except Exception as e:
            seen[f"!! {kind} {type(e).__name__} {e}"] += 1
    for round_ in range(60):
        await asyncio.gather(*[one(rnd.randrange(22)) for _ in range(14)])
        assert await here.explained(), round_
        bad = [k for k in seen if k.startswith("!!")]
        assert not bad, bad
    for k, v in sorted(seen.items()): print(k, v)
    from server.awards import soundness
    for a in await Award.filter(programme=here.programme).exclude(state__in=["refused", "cancelled"]):
        d = (await soundness.doubts([a])).get(a.id, "")
        assert a.doubt == d
        assert not (d and a.state in ("proposed", "reviewed", "publicised", "approved", "awaiting_funds"))
    print(Counter(str(a.state) for a in await Award.filter(programme=here.programme)))
    from server.awards.models import AwardDecider
    from server.kernel.audit import AuditEntry
    for a in awards:
        by = {}
        for e in await AuditEntry.filter(subject=f"award:{a.id}").order_by("id"):
            if e.action in ("award.reviewed",): by.setdefault(e.actor_id, set()).add("review")
            if e.action in ("award.approved", "award.awaiting_funds") and e.before == "publicised": by.setdefault(e.actor_id, set()).add("approval")
        assert all(len(v) == 1 for v in by.values())
