"""Every blueprint of the product, and the answers made before the first request."""

from pathlib import Path
from typing import Any

from sanic import Blueprint, Sanic
from sanic.blueprint_group import BlueprintGroup

from miniprogram_api import appeals as appeals_face
from miniprogram_api import audit as audit_face
from miniprogram_api import consents as consents_face
from miniprogram_api import engagement_lists as engagement_lists_face
from miniprogram_api import engagements as engagements_face
from miniprogram_api import guide as guide_face
from miniprogram_api import invitations as invitations_face
from miniprogram_api import memberships as memberships_face
from miniprogram_api import organisation_lists as organisation_lists_face
from miniprogram_api import organisation_standing as standing_face
from miniprogram_api import organisations as organisations_face
from miniprogram_api import payee_accounts as payee_accounts_face
from miniprogram_api import policies as policies_face
from miniprogram_api import postings as postings_face
from miniprogram_api import programmes as programmes_face
from miniprogram_api import reference as reference_face
from miniprogram_api import referral_decisions as referral_decisions_face
from miniprogram_api import referral_evidence as referral_evidence_face
from miniprogram_api import referral_lists as referral_lists_face
from miniprogram_api import referral_years as referral_years_face
from miniprogram_api import referrals as referrals_face
from miniprogram_api import students as students_face
from miniprogram_api import words
from miniprogram_api.award_decisions import award_decisions
from miniprogram_api.award_runs import award_runs
from miniprogram_api.award_story import award_story
from miniprogram_api.awards import awards as awards_face
from miniprogram_api.broadcasts import broadcasts
from miniprogram_api.budgets import budgets
from miniprogram_api.clawbacks import clawbacks
from miniprogram_api.deliveries import deliveries
from miniprogram_api.docs import docs
from miniprogram_api.enrolments import enrolments
from miniprogram_api.finding import finding
from miniprogram_api.funds import funds
from miniprogram_api.health import health
from miniprogram_api.imports import enrolment_imports, referral_imports
from miniprogram_api.labour_statistics import labour_statistics
from miniprogram_api.matches import matches
from miniprogram_api.me import me
from miniprogram_api.notices import notices as notices_face
from miniprogram_api.objections import objections
from miniprogram_api.people import people
from miniprogram_api.posting_lists import posting_lists
from miniprogram_api.posting_reports import posting_reports
from miniprogram_api.posting_review import posting_review
from miniprogram_api.publications import publications
from miniprogram_api.reveals import reveals
from miniprogram_api.samples import samples
from miniprogram_api.saved_searches import saved_searches
from miniprogram_api.sessions import sessions
from miniprogram_api.shelf import Shelf
from miniprogram_api.statement_results import statement_results
from miniprogram_api.statements import statements
from miniprogram_api.subscriptions import subscriptions
from miniprogram_api.summaries import summaries
from miniprogram_api.timeline import timeline
from miniprogram_api.wechat import wechat
from server.awards import beginning as awards
from server.consents import documents
from server.engagements import beginning
from server.engagements.matching import book as matching_book
from server.engagements.statistics import Outcomes
from server.guide import catalogue
from server.guide import service as guide_service
from server.labour import rulebook
from server.labour.counting import OpenPlaces
from server.labour.fairness import Fairness
from server.notices import beginning as notices
from server.policy import compare
from server.policy import service as policy_service
from server.privacy import rules as privacy_rules
from server.reference import service as reference_service
from server.referrals import columns as list_columns
from server.referrals import rules as referral_rules
from server.students import id_regions

FACES: tuple[Blueprint | BlueprintGroup, ...] = (
    health,
    docs,
    guide_face.home,
    Blueprint.group(
        guide_face.guide,
        policies_face.policies,
        programmes_face.programmes,
        reference_face.reference,
        organisations_face.organisations,
        organisation_lists_face.organisation_lists,
        standing_face.organisation_standing,
        appeals_face.appeals,
        memberships_face.memberships,
        invitations_face.invitations,
        payee_accounts_face.payee_accounts,
        postings_face.postings,
        posting_review,
        posting_reports,
        wechat,
        sessions,
        me,
        people,
        students_face.students,
        referrals_face.referrals,
        referral_lists_face.referral_lists,
        finding,
        referral_imports,
        enrolment_imports,
        summaries,
        timeline,
        referral_decisions_face.referral_decisions,
        referral_evidence_face.referral_evidence,
        referral_years_face.referral_years,
        enrolments,
        consents_face.consents,
        posting_lists,
        labour_statistics,
        engagements_face.engagements,
        engagement_lists_face.engagement_lists,
        saved_searches,
        matches,
        notices_face,
        subscriptions,
        deliveries,
        funds,
        budgets,
        statements,
        statement_results,
        broadcasts,
        reveals,
        audit_face.audit,
        award_runs,
        awards_face,
        award_decisions,
        objections,
        publications,
        samples,
        clawbacks,
        award_story,
        url_prefix="/api/v1",
    ),
)


def publish(app: Sanic[Any, Any], content_dir: Path) -> None:
    """Load the content and make every answer that depends on nothing else; raises ContentError."""
    book = app.ctx.book = policy_service.load(content_dir)
    awards.begin(content_dir, book)
    guide = app.ctx.guide = guide_service.load(content_dir, book)
    app.ctx.comparison = compare.load(content_dir, book)
    app.ctx.reference = reference_service.load(content_dir, book)
    app.ctx.id_regions = id_regions.load(content_dir)
    app.ctx.consent_documents = documents.load(content_dir)
    app.ctx.retention = privacy_rules.load(content_dir)
    app.ctx.words = words.load(content_dir)
    app.ctx.lists = list_columns.load(content_dir)
    referral_rules.use(referral_rules.load(content_dir))
    app.ctx.fairness = Fairness(rulebook.load(content_dir, app.ctx.reference))
    beginning.begin(content_dir, app.ctx.fairness.book.limits, app.ctx.consent_documents)
    notices.begin(content_dir)
    limits = app.ctx.fairness.book.limits
    app.ctx.matching = matching_book.load(content_dir, app.ctx.reference, limits.hazardous, limits.of_age)
    app.ctx.open_places = OpenPlaces()
    app.ctx.outcomes = Outcomes()
    app.ctx.catalogue = catalogue.index(guide, book)
    shelf = app.ctx.shelf = Shelf()
    policies_face.prepare(shelf, book, guide, app.ctx.comparison)
    programmes_face.prepare(shelf, book, guide)
    guide_face.prepare(shelf, guide, book)
    shelf.seal()
