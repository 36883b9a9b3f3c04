"""The catalogue that is shipped says what must be said; one with a mistake in it is not taken."""

import re
import shutil
from pathlib import Path

import pytest

from server.app import CONTENT_DIR
from server.kernel.content import ContentError
from server.notices import catalogue
from server.notices.catalogue import Catalogue
from server.notices.models import Priority, Service
from server.settings import ROOT
from server.standin.templates import TEMPLATES

HEARD_OF = {
    "organisation.verified", "organisation.rejected", "organisation.lapsed", "referral.matched", "referral.disputed",
    "referral.upheld", "referral.rejected", "referral.lapsed", "import.finished", "posting.returned",
    "posting.published", "posting.expiry_near", "posting.expired", "posting.filled", "posting.removed",
    "engagement.applied", "engagement.accepted", "engagement.declined", "engagement.withdrawn", "engagement.moved_up",
    "engagement.to_be_confirmed", "engagement.paid", "search.answered", "guide.published", "window.opening",
    "window.closing", "appeal.upheld", "appeal.overturned", "student_link.confirmed", "student_link.rejected",
    "membership.requested", "membership.began", "broadcast.sent", "publication.made", "objection.made",
    "objection.upheld", "objection.rejected", "awards.proposed", "awards.approved", "awards.refused", "award.approved",
    "award.awaiting_funds", "award.funded", "award.refused", "award.held", "award.released", "award.cancelled",
    "award.undone", "award.overturned", "award.bank_returned",
    "award.return_undone", "award.doubted", "statement.locked", "statement.cleared",
    "statement.sent", "statement.part_settled", "statement.settled", "statement.returned", "statement.receipt_disputed",
    "clawback.asked", "clawback.requested", "clawback.approved", "clawback.demanded", "clawback.contested",
    "clawback.contest_stands", "clawback.contest_lifted",
    "clawback.recovered", "clawback.recovery_undone", "clawback.offset",
    "clawback.written_off", "clawback.dropped", "fund.nearly_used", "fund.run_out", "budget.requeued",
    "budget.unclosed", "organisation.account_missing",
}  # fmt: skip


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    return catalogue.load(CONTENT_DIR)


@pytest.fixture
def content(tmp_path: Path) -> Path:
    shutil.copytree(CONTENT_DIR / "notices", tmp_path / "notices")
    return tmp_path


def test_everybody_hears_of_what_concerns_them(shipped: Catalogue) -> None:
    assert shipped.events >= HEARD_OF


def test_what_somebody_waits_for_is_urgent_and_what_goes_to_all_is_not(shipped: Catalogue) -> None:
    assert shipped.kinds["engagement.accepted"]["worker"].priority is Priority.URGENT
    assert shipped.kinds["broadcast.sent"]["receiver"].priority is Priority.BULK
    assert shipped.kinds["search.answered"]["searcher"].priority is Priority.DIGEST


def test_names_fit_where_they_are_kept(shipped: Catalogue) -> None:
    kinds = [kind for told in shipped.kinds.values() for kind in told.values()]
    assert max(len(kind.id) for kind in kinds) <= 64
    assert max(len(kind.version) for kind in kinds) <= 16
    assert max(len(name) for name in shipped.templates) <= 64


def test_every_event_happens_somewhere(shipped: Catalogue) -> None:
    """An event that is spelt otherwise where it happens would never be told of."""
    sources = [path.read_text() for path in (ROOT / "server").rglob("*.py")]
    literals = {found for source in sources for found in re.findall(r'"([a-z_.]+)"', source)}
    assert not [event for event in shipped.events if not {event, event.partition(".")[2]} & literals]


def test_the_stand_in_has_the_templates_that_development_names(shipped: Catalogue) -> None:
    played = {template.id: template for template in TEMPLATES}
    for template in shipped.templates.values():
        match = played[template.id_in("development") or ""]
        assert (match.side.value, match.long_term) == (template.service.value, template.long_term)
        assert list(match.keys) == list(template.keys)


def test_the_service_account_comes_first(shipped: Catalogue) -> None:
    services = [template.service for template in shipped.kinds["posting.returned"]["owner"].templates]
    assert services == [Service.SERVICE_ACCOUNT, Service.MINI_PROGRAM]


def test_a_tap_asks_for_three_at_most(shipped: Catalogue) -> None:
    assert [template.name for template in shipped.asked_at("apply")] == ["application", "work"]
    taps = {tap for template in shipped.templates.values() for tap in template.asked_at}
    assert max(len(shipped.asked_at(tap)) for tap in taps) <= 3


def test_other_words_are_another_version(shipped: Catalogue, content: Path) -> None:
    change(content, "postings", "信息需要修改", "信息需要再改")
    changed = catalogue.load(content)
    was, now = (one.kinds["posting.returned"]["owner"].version for one in (shipped, changed))
    assert was != now
    assert shipped.kinds["posting.filled"]["owner"].version == changed.kinds["posting.filled"]["owner"].version


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("postings", "status: 需要修改", "status: 需要好好修改", "no phrase"),
        ("postings", "status: 需要修改", "status: 改🎉", "plain text"),
        ("postings", 'say: {what: "{title}", status: 需要修改', 'say: {what: "{nobody}", status: 需要修改', "no fact"),
        ("postings", 'say: {what: "{title}", status: 需要修改, ', "say: {status: 需要修改, ", "missing"),
        ("postings", 'what: "{title}", status: 需要修改', 'what: " ", status: 需要修改', "empty"),
        ("postings", 'what: "{title}", status: 需要修改', 'what: "🎉", status: 需要修改', "plain text"),
        ("postings", 'what: "{title}", status: 需要修改', 'what: "{title!r}", status: 需要修改', "no plain name"),
        ("postings", "title: 信息需要修改", "title: 信息需要修改信息需要修改信息需要修改信息需", "plain characters"),
        ("postings", "title: 信息需要修改", 'title: "{title}需要修改"', "plain characters"),
        ("postings", "page: pages/posting/index?id={id}", "page: https://elsewhere", "no page"),
        ("postings", "page: pages/posting/index?id={id}", "page: pages/posting/index?id={title}", "no page"),
        ("postings", "about: posting", "about: weather", "nothing is known"),
        (
            "postings",
            "    owner:\n      title: 信息需要修改",
            "    cat:\n      title: 信息需要修改",
            "no such audience",
        ),
        ("postings", "text: 您有{count}条信息即将到期", "text: 您的{title}等{count}条信息即将到期", "no fact"),
        ("postings", "worth_hours: 48", "worth_hours: 0", "worth_hours"),
        ("shared", "thing1: what, number2: taken", "thing1: what, amount2: taken", "no amount"),
        ("shared", "thing1: what, number2: taken", "thing1: what, phone_number2: taken", "no key"),
        ("shared", "id", "di", "Extra inputs"),
        ("shared", "asked_at: [apply, answer_offer]", "asked_at: [apply, apply, apply, apply]", "more than 3"),
        ("shared", "standin-hiring", "standin-application", "two have the id"),
        ("shared", "    headcount: {none: 若干}\n", "", "words.posting.headcount"),
        ("shared", "unpaid_lifted: 没有欠薪", "unpaid_lifted: 没有得到认定", "no phrase"),
        ("shared", 'edition: "2026-11"', "edition: newest", "edition"),
        ("guide", "templates: [news, service_news]", "templates: [news, hiring]", "two of one account"),
        ("guide", "templates: [news, service_news]", "templates: [letters]", "no template"),
        ("guide", "priority: bulk", "priority: whenever", "priority"),
    ],
)
def test_a_mistake_is_found_before_anything_is_said(content: Path, file: str, old: str, new: str, told: str) -> None:
    change(content, file, old, new)
    with pytest.raises(ContentError, match=told):
        catalogue.load(content)


def test_what_is_said_twice_is_found(content: Path) -> None:
    shutil.copy(content / "notices" / "guide.yaml", content / "notices" / "again.yaml")
    with pytest.raises(ContentError, match="said twice"):
        catalogue.load(content)


def change(content: Path, file: str, old: str, new: str) -> None:
    path = content / "notices" / f"{file}.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
