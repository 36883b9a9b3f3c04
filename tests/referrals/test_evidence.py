"""What schools put forward: until the last day, up to a number, each for its own claim."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from server import schedules
from server.gateways.files import Files
from server.gateways.scans import Scans
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Role
from server.referrals import evidence
from server.referrals.models import Evidence, Referral, ReferralState
from tests.factories import make_member
from tests.gateways.pictures import quarters, saved
from tests.referrals.disputing import BEGAN, after_evidence, disputed, reviewer

pytestmark = pytest.mark.usefixtures("database")
REGISTERED, DISPUTED = ReferralState.REGISTERED, ReferralState.DISPUTED
REJECTED, WITHDRAWN, LAPSED = ReferralState.REJECTED, ReferralState.WITHDRAWN, ReferralState.LAPSED
PICTURE = saved(quarters(size=(60, 40)), "PNG")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "files", {"k1": b"1" * 32})


async def test_every_school_of_a_dispute_is_heard_until_the_last_day() -> None:
    clock.move_to(BEGAN)
    dispute = await disputed()
    for place in (0, 1):
        by = dispute.clerks[place].person_id
        made = await evidence.add(dispute.claims[place].id, "见附件", None, by=by)
        assert (made.note, made.scan_id, made.person_id) == ("见附件", None, by)
        [entry] = await AuditEntry.filter(subject=f"referral:{dispute.claims[place].id}")
        assert (entry.action, entry.fields, entry.reason) == ("referral.evidence_added", ["note"], "")
        assert (await dispute.claim(place)).version == 1, "what is put forward does not change the claim"
    await Referral.filter(id=dispute.claims[1].id).update(evidence_until="2026-10-15")
    clock.move_to(BEGAN.replace(day=20, hour=15, minute=59))
    await evidence.add(dispute.claims[1].id, "补充", None, by=dispute.clerks[1].person_id)
    clock.move_to(BEGAN.replace(day=20, hour=16))
    for place in (0, 1):
        with pytest.raises(DomainError, match="evidence_closed") as refused:
            await evidence.add(dispute.claims[place].id, "太晚", None, by=dispute.clerks[place].person_id)
        assert (refused.value.status, refused.value.facts) == (409, {"until": "2026-10-20"})


async def test_a_claim_that_is_left_over_is_still_heard() -> None:
    clock.move_to(BEGAN)
    dispute = await disputed(WITHDRAWN, DISPUTED)
    await evidence.add(dispute.claims[1].id, "见附件", None, by=dispute.clerks[1].person_id)


async def test_what_is_in_no_dispute_or_whose_school_may_not_act_is_not_heard() -> None:
    clock.move_to(BEGAN)
    for states in ([REGISTERED], [LAPSED], [WITHDRAWN, DISPUTED], [REJECTED, REGISTERED]):
        dispute = await disputed(*states)
        with pytest.raises(DomainError, match="no_dispute"):
            await evidence.add(dispute.claims[0].id, "见附件", None, by=dispute.clerks[0].person_id)
    dispute = await disputed()
    for state in set(OrganisationState) - {OrganisationState.VERIFIED}:
        await Organisation.filter(id=dispute.schools[0].id).update(state=state)
        with pytest.raises(DomainError, match="organisation_state"):
            await evidence.add(dispute.claims[0].id, "见附件", None, by=dispute.clerks[0].person_id)


async def test_there_is_room_for_so_much_and_no_more_also_at_once() -> None:
    clock.move_to(BEGAN)
    dispute = await disputed()
    claim, by = dispute.claims[0], dispute.clerks[0].person_id
    adding = (evidence.add(claim.id, f"第{one}份", None, by=by) for one in range(evidence.MOST + 5))
    outcomes = await asyncio.gather(*adding, return_exceptions=True)
    assert {str(outcome) for outcome in outcomes if not isinstance(outcome, Evidence)} == {"too_much_evidence"}
    assert await Evidence.filter(referral_id=claim.id).count() == evidence.MOST


async def test_who_looks_for_the_secretariat_is_noted_and_has_to_do_with_no_school(files: Files) -> None:
    clock.move_to(BEGAN)
    dispute, by, insider = await disputed(), await reviewer(), await reviewer()
    claim = dispute.claims[1]
    membership = await make_member(dispute.schools[0], Role.CLERK)
    await membership.update_from_dict({"person_id": insider.person_id}).save()
    assert (await evidence.listed(claim.id, 20, None, by=by.person_id)).items == []
    scan_id = await evidence.keep_scan(PICTURE, Scans(), files)
    noted = await evidence.add(claim.id, "见附件", None, by=dispute.clerks[1].person_id)
    shown = await evidence.add(claim.id, "", scan_id, by=dispute.clerks[1].person_id)
    page = await evidence.listed(claim.id, 20, None, by=by.person_id)
    assert [one.id for one in page.items] == [noted.id, shown.id]
    assert await evidence.picture(noted, files, by=by.person_id) is None
    picture = await evidence.picture(shown, files, by=by.person_id)
    assert picture is not None
    assert picture.startswith(b"\xff\xd8\xff")
    looks = AuditEntry.filter(subject=f"referral:{claim.id}", action="referral.evidence_viewed", actor_id=by.person_id)
    assert [entry.fields for entry in await looks.order_by("id")] == [["note"], ["note"], ["scan"]]
    assert await evidence.picture(shown, files, by=None) == picture
    assert await looks.count() == 3
    for looking in (
        evidence.listed(claim.id, 20, None, by=insider.person_id),
        evidence.picture(shown, files, by=insider.person_id),
    ):
        with pytest.raises(DomainError, match="decides_for_own"):
            await looking
    with pytest.raises(DomainError, match="not_found"):
        await evidence.one(dispute.claims[0].id, shown.id)


async def test_a_picture_is_swept_where_nothing_names_it(files: Files) -> None:
    clock.move_to(BEGAN)
    dispute = await disputed()
    named, unnamed = [await evidence.keep_scan(PICTURE, Scans(), files) for _ in range(2)]
    await evidence.add(dispute.claims[0].id, "", named, by=dispute.clerks[0].person_id)
    (sweep,) = (one for one in schedules.every(files) if one.name == "sweep_files")
    clock.move_to(None)  # files bear the time of the machine
    clock.move_to(clock.now() + timedelta(days=2))
    assert await sweep.handler({}) == {"drafts": 0, "scans": 1}
    assert await files.read(named)
    with pytest.raises(FileNotFoundError):
        await files.read(unnamed)


async def test_what_is_no_picture_is_not_kept(files: Files, tmp_path: Path) -> None:
    after_evidence()
    with pytest.raises(DomainError, match="scan_type"):
        await evidence.keep_scan(b"%PDF-1.7", Scans(), files)
    assert not (tmp_path / "files").exists()
    with pytest.raises(DomainError, match="not_found"):
        await evidence.require_open(new_id())
