"""What is past its period goes by itself; nothing goes before."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from server.consents import service as consents
from server.consents.models import Capacity, Consent
from server.imports.models import Import, ImportRow
from server.kernel import audit, clock, sensitive
from server.kernel.content import ContentError
from server.organisations.models import Organisation, OrganisationState
from server.people import sessions
from server.people.service import Decider
from server.privacy import minors, retention, rules
from server.privacy.rules import Kept
from server.referrals.models import Evidence, Referral, ReferralDecision, ReferralState
from server.schedules import SCHEDULES
from server.students import service as students
from server.students.models import Relation, Student, StudentLink
from server.students.service import Verdict
from tests.factories import make_organisation, make_person
from tests.harness.referring import make_claim, make_import, make_listed
from tests.policy.shelf import CONTENT
from tests.students.numbers import claim, number_of

RULES = rules.load(CONTENT)


def later(days: float) -> None:
    clock.move_to(clock.now() + timedelta(days=days))


def period(kept: Kept) -> int:
    found = RULES.period(kept, clock.today())
    assert found
    return found.days


async def decided(verdict: Verdict) -> StudentLink:
    link = await students.request((await make_person()).id, claim(number_of(date(2015, 5, 5)), Relation.GUARDIAN))
    return await students.decide(link.id, verdict, Decider((await make_person()).id, "已核对"))


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("verdict", "unlink", "kept"),
    [
        (Verdict.REJECT, False, Kept.STUDENT_LINK_UNCONFIRMED),
        (Verdict.REJECT, True, Kept.STUDENT_LINK_UNCONFIRMED),
        (Verdict.CONFIRM, True, Kept.STUDENT_LINK),
    ],
)
async def test_links_go_after_their_period_and_then_the_student(verdict: Verdict, *, unlink: bool, kept: Kept) -> None:
    link = await decided(verdict)
    if unlink:
        await students.unlink(link.id, link.person_id)
    later(period(kept) - 0.1)
    await retention.retain(RULES)
    assert await StudentLink.exists(id=link.id)
    later(0.2)
    result = await retention.retain(RULES)
    assert result[kept] >= 1
    assert not await StudentLink.exists(id=link.id)
    assert not await Student.exists(id=link.student_id)


@pytest.mark.usefixtures("database")
async def test_what_lasts_is_never_touched() -> None:
    link = await decided(Verdict.CONFIRM)
    consent = await Consent.create(
        person_id=link.person_id, student_id=link.student_id, document="student", document_version="1",
        scope="identity", capacity=Capacity.GUARDIAN, given_at=clock.now(),
    )  # fmt: skip
    later(4000)
    await retention.retain(RULES)
    assert await StudentLink.exists(id=link.id)
    assert await Consent.exists(id=consent.id)
    await consents.withdraw(consent.id)
    later(period(Kept.CONSENT) + 1)
    await retention.retain(RULES)
    assert not await Consent.exists(id=consent.id)
    assert await Student.exists(id=link.student_id)


@pytest.mark.usefixtures("database")
async def test_a_student_with_nobody_waits_for_a_month() -> None:
    link = await decided(Verdict.CONFIRM)
    await StudentLink.filter(id=link.id).delete()
    later(period(Kept.STUDENT) - 0.1)
    await retention.retain(RULES)
    assert await Student.exists(id=link.student_id)
    later(0.2)
    await retention.retain(RULES)
    assert not await Student.exists(id=link.student_id)


@pytest.mark.usefixtures("database")
async def test_who_handled_an_application_that_came_to_nothing_is_forgotten() -> None:
    organisation = await make_organisation(state=OrganisationState.REJECTED)
    cell = sensitive.Cell("organisation", "contact_name_sealed", organisation.id)
    await Organisation.filter(id=organisation.id).update(contact_name_sealed=sensitive.vault().seal(cell, "欧阳鸢尾"))
    later(period(Kept.ORGANISATION_CONTACT) - 1)
    await audit.note(f"organisation:{organisation.id}", "organisation.rejected", actor_id=None)
    later(2)
    await retention.retain(RULES)
    assert (await Organisation.get(id=organisation.id)).contact_name_sealed
    later(period(Kept.ORGANISATION_CONTACT))
    await retention.retain(RULES)
    assert (await Organisation.get(id=organisation.id)).contact_name_sealed is None


@pytest.mark.usefixtures("database")
async def test_claims_that_came_to_nothing_go_and_then_their_student_and_decided_ones_stay() -> None:
    school = await make_organisation()
    gone = await make_claim(school, state=ReferralState.WITHDRAWN)
    await Evidence.create(referral=gone, note="证明", person_id=school.id, created_at=clock.now())
    lost = await make_claim(school, state=ReferralState.REJECTED)
    await Evidence.create(referral=lost, note="证明", person_id=school.id, created_at=clock.now())
    await ReferralDecision.create(
        referral=lost, verdict="reject", changes=[], reason="x", actor_id=school.id, made_at=clock.now()
    )
    lives, waits = await make_claim(school, state=ReferralState.CONFIRMED), await make_claim(school)
    later(period(Kept.REFERRAL_CONTACT) - 0.1)
    await retention.retain(RULES)
    assert await Referral.filter(school=school, phone_index__isnull=False).count() == 4
    later(0.2)
    await retention.retain(RULES)
    reachable = Referral.filter(school=school, phone_sealed__isnull=False, guardian_phone_sealed__isnull=False)
    assert [one.id for one in await reachable] == [waits.id]
    assert await Referral.filter(school=school, phone_index__isnull=False).count() == 1
    later(period(Kept.REFERRAL) - period(Kept.REFERRAL_CONTACT) - 0.3)
    await retention.retain(RULES)
    assert await Referral.filter(school=school).count() == 4
    later(0.2)
    await retention.retain(RULES)
    assert {one.id for one in await Referral.filter(school=school)} == {lost.id, lives.id, waits.id}
    assert not await Evidence.filter(referral_id__in=[gone.id, lost.id]).exists()
    assert not await Student.exists(id=gone.student_id)
    assert await Student.filter(id__in=[lost.student_id, lives.student_id, waits.student_id]).count() == 3


@pytest.mark.usefixtures("database")
async def test_a_student_with_a_claim_or_an_enrolment_only_stays() -> None:
    school = await make_organisation()
    kept = [(await make_claim(school)).student_id, (await make_listed(school)).student_id]
    later(period(Kept.STUDENT) + 1)
    await retention.retain(RULES)
    assert await Student.filter(id__in=kept).count() == 2


@pytest.mark.usefixtures("database")
async def test_rows_of_imports_go_after_their_period_and_what_came_of_them_stays() -> None:
    source = await make_import(await make_organisation(), refused=1)
    await ImportRow.create(source=source, number=2, outcome="refused", remarks=[], cells_sealed="x")
    later(period(Kept.IMPORT_ROW) - 0.1)
    await retention.retain(RULES)
    assert await ImportRow.exists(source=source)
    later(0.2)
    await retention.retain(RULES)
    assert not await ImportRow.exists(source=source)
    assert (await Import.get(id=source.id)).refused == 1


@pytest.mark.usefixtures("database")
async def test_it_comes_round_every_day() -> None:
    schedule = next(one for one in SCHEDULES if one.name == "retain")
    link = await decided(Verdict.REJECT)
    later(period(Kept.STUDENT_LINK_UNCONFIRMED) + 1)
    result = await schedule.handler({})
    assert result
    assert result[Kept.STUDENT_LINK_UNCONFIRMED] >= 1
    assert not await StudentLink.exists(id=link.id)
    assert schedule.last_due(clock.now()) > clock.now() - timedelta(days=1)


@pytest.mark.usefixtures("database")
async def test_the_yearly_report_counts_and_names_nobody() -> None:
    before = await minors.report(clock.today().year)
    link = await decided(Verdict.CONFIRM)
    youth = await students.request((await make_person()).id, claim(number_of(clock.today() - timedelta(days=365 * 16))))
    await students.request((await make_person()).id, claim(number_of(date(1999, 5, 5))))
    consent = await Consent.create(
        person_id=link.person_id, student_id=link.student_id, document="student", document_version="1", scope="labour",
        capacity=Capacity.GUARDIAN, given_at=clock.now(),
    )  # fmt: skip
    await consents.withdraw(consent.id)
    await audit.note(f"student:{youth.student_id}", "student.revealed", actor_id=None, fields=["id_number"])
    sent = await make_claim(await make_organisation(), link.student, guardian_consent_on=clock.today())
    await audit.note(f"referral:{sent.id}", "referral.revealed", actor_id=None, fields=["phone"])
    found = await minors.report(clock.today().year)
    assert (found.referrals - before.referrals, found.guardian_consents - before.guardian_consents) == (1, 1)
    assert found.under_14 - before.under_14 == 1
    assert found.under_18 - before.under_18 == 2
    assert found.consents["student/labour guardian"] == before.consents.get("student/labour guardian", 0) + 1
    assert found.withdrawals - before.withdrawals == 1
    assert found.reveals - before.reveals == 2
    await StudentLink.filter(student_id=youth.student_id).delete()
    later(period(Kept.STUDENT) + 1)
    await retention.retain(RULES)
    year = clock.today().year
    assert (await minors.report(year)).deletions >= 1
    assert str(link.student_id) not in "\n".join(found.lines)


def test_periods_are_dated_and_those_of_the_code_agree() -> None:
    assert RULES.period(Kept.SESSION, date(2026, 11, 21)) == sessions.KEPT
    assert RULES.period(Kept.AUDIT, date(2026, 11, 21)) is None
    assert RULES.period(Kept.CONSENT, date(2025, 1, 1)) is None


def test_a_rule_that_is_missing_or_out_of_order_is_noticed(tmp_path: Path) -> None:
    text = (CONTENT / "retention.yaml").read_text(encoding="utf-8")
    (tmp_path / "retention.yaml").write_text(text.replace("field: session", "field: student"), encoding="utf-8")
    with pytest.raises(ContentError, match="one rule"):
        rules.load(tmp_path)
    period = "      - {from: 2026-01-01, days: 7}\n"
    (tmp_path / "retention.yaml").write_text(text.replace(period, period * 2), encoding="utf-8")
    with pytest.raises(ContentError, match="follow one another"):
        rules.load(tmp_path)
