"""What the secretariat decides on organisations, their recheck, the scan of their licence, a school's code."""

from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api import scans
from miniprogram_api.organisation_bodies import Closing, Decision, GroupMembership, Renewal
from miniprogram_api.organisations import OrganisationDetailView, again, shown
from miniprogram_api.people import Reason, decider
from miniprogram_api.scans import PICTURE_HEADERS, SCAN_BYTES, SCAN_MEDIA
from miniprogram_api.web import Face, allow, answers, body, idempotent, if_match, upload
from server.access import owners
from server.access.rules import own
from server.organisations import codes, decisions, group, lapses, licences, standing
from server.organisations.group import Period
from server.organisations.roles import STAFF, Role

organisation_standing = Face("organisation_standing", url_prefix="/organisations")
_PNG = b"\x89PNG\r\n\x1a\n"


@organisation_standing.post("/<organisation_id:uuid>/decision")
@allow(Role.REVIEWER)
@idempotent(again)
@if_match(required=False)
@body(Decision)
@answers(200, OrganisationDetailView)
async def decide(request: Request, organisation_id: UUID, body: Decision, version: int | None) -> HTTPResponse:
    """Verify or reject an application, a change that waits, or a recheck; If-Match says what was looked at."""
    return await shown(await decisions.decide(organisation_id, body.verdict, decider(request, body), version))


@organisation_standing.post("/<organisation_id:uuid>/renew")
@allow(own(Role.MANAGER), owner=owners.organisation)
@idempotent(again)
@if_match(required=False)
@body(Renewal, optional=True)
@answers(200, OrganisationDetailView)
async def renew(request: Request, organisation_id: UUID, body: Renewal, version: int | None) -> HTTPResponse:
    """Ask for the recheck that is due every six months, confirming what is known; a reviewer completes it."""
    by = request.ctx.caller.person_id
    return await shown(await lapses.renew(organisation_id, body.given(), by=by, version=version))


@organisation_standing.post("/<organisation_id:uuid>/suspend")
@allow(Role.REVIEWER, Role.ADMIN)
@idempotent(again)
@body(Reason)
@answers(200, OrganisationDetailView)
async def suspend(request: Request, organisation_id: UUID, body: Reason) -> HTTPResponse:
    """Take a verified or lapsed organisation's standing away for the time being."""
    return await shown(await standing.suspend(organisation_id, decider(request, body)))


@organisation_standing.post("/<organisation_id:uuid>/restore")
@allow(Role.REVIEWER, Role.ADMIN)
@idempotent(again)
@body(Reason)
@answers(200, OrganisationDetailView)
async def restore(request: Request, organisation_id: UUID, body: Reason) -> HTTPResponse:
    """Give a suspended organisation its standing back."""
    return await shown(await standing.restore(organisation_id, decider(request, body)))


@organisation_standing.post("/<organisation_id:uuid>/close")
@allow(Role.ADMIN)
@idempotent(again)
@body(Closing)
@answers(200, OrganisationDetailView)
async def close(request: Request, organisation_id: UUID, body: Closing) -> HTTPResponse:
    """Close an organisation for good and end its memberships; after a merger, name its successor."""
    return await shown(await standing.close(organisation_id, decider(request, body), body.successor))


@organisation_standing.put("/<organisation_id:uuid>/group")
@allow(Role.REVIEWER)
@if_match(required=False)
@body(GroupMembership)
@answers(200, OrganisationDetailView)
async def set_group(
    request: Request, organisation_id: UUID, body: GroupMembership, version: int | None
) -> HTTPResponse:
    """Say from when to when a vocational school is a member of the group: only who enters there then counts."""
    period = Period(body.member_since, body.member_until)
    return await shown(await group.set_period(organisation_id, period, decider(request, body), version))


@organisation_standing.put("/<organisation_id:uuid>/licence", stream=True)
@allow(own(Role.MANAGER), owner=owners.organisation)
@upload(SCAN_BYTES, *SCAN_MEDIA)
@answers(200, OrganisationDetailView)
async def put_licence(request: Request, organisation_id: UUID) -> HTTPResponse:
    """Put a scan of the licence, a JPEG or PNG of up to 5 MB; nothing but the picture is kept of it."""
    await request.receive_body()  # type: ignore[no-untyped-call]
    ctx, by = request.app.ctx, request.ctx.caller.person_id
    return await shown(await licences.put(organisation_id, request.body, ctx.scans, ctx.files, by=by))


@organisation_standing.get("/<organisation_id:uuid>/licence")
@allow(own(Role.MANAGER), Role.REVIEWER, owner=owners.organisation)
@answers(200, None, "image/jpeg")
@answers(204)
async def licence(request: Request, organisation_id: UUID) -> HTTPResponse:
    """Show the scan of the licence; 204 where there is none. Staff who look are noted."""
    looks = scans.from_outside(request.ctx.caller, organisation_id)
    return scans.shown(await licences.picture(organisation_id, request.app.ctx.files, by=looks))


@organisation_standing.get("/<organisation_id:uuid>/code.png")
@allow(own(Role.CLERK), *STAFF, owner=owners.organisation)
@answers(200, None, "image/png", "image/jpeg")
async def code(request: Request, organisation_id: UUID) -> HTTPResponse:
    """Show a verified school's own mini-program code, PNG or JPEG as WeChat draws it."""
    ctx = request.app.ctx
    picture = await codes.image(organisation_id, ctx.wechat, ctx.cache, ctx.seals)
    return HTTPResponse(picture, 200, PICTURE_HEADERS, "image/png" if picture.startswith(_PNG) else "image/jpeg")
