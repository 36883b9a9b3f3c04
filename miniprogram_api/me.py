"""What a person sees and says of themselves, takes with them, and how they go."""

from datetime import datetime
from typing import Self

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.people import PersonView, view_of
from miniprogram_api.reading import Body
from miniprogram_api.representation import HTML, FixedResponse
from miniprogram_api.sessions import Code
from miniprogram_api.shelf import BOTH, wants_page
from miniprogram_api.web import Face, allow, answer, answers, body
from server.appeals.models import Appeal, AppealState
from server.people import names, service
from server.people.models import Person, PersonState
from server.privacy import deletion, pages
from server.privacy.deletion import Requested
from server.privacy.export import Export, export
from server.privacy.rules import Kept, Retention

me = Face("me")
EXPORTS, EXPORT_SECONDS = 10, 3600
PAGE_HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}


class MeView(PersonView):
    """Oneself; `phone` is masked, null until it was given."""

    phone: str | None
    created_at: datetime


class Profile(Body):
    """What one may say of oneself: a name, or null for none."""

    name: str | None = Field(max_length=4 * names.LONGEST)


class PhoneCode(Body):
    """What the phone-number button gave; not the code of a sign-in."""

    code: Code


class AppealPart(Body):
    """An appeal of one's own."""

    subject: str
    reason: str
    state: AppealState
    created_at: datetime
    decided_at: datetime | None
    decision: str


class ExportView(Export):
    """Everything kept about oneself, in full."""

    appeals: list[AppealPart]


class Nothing(Body):
    """Nothing need be said."""


class KeptView(Body):
    """What is kept all the same, why, and until when; null for good."""

    what: str
    why: str
    until: datetime | None


class DeletionView(Body):
    """A deletion that was asked for: from `final_at` on it is carried out, and cannot be undone any more."""

    state: PersonState
    final_at: datetime
    undo: str
    erased: tuple[str, ...]
    kept: tuple[KeptView, ...]

    @classmethod
    def of(cls, asked: Requested, retention: Retention) -> Self:
        """Return the view in the words of the rules; that of what is always kept comes last."""
        rules = {keeping.kept: keeping.until for keeping in asked.kept} | {Kept.AUDIT: None}
        told = [(retention.rule(kept), until) for kept, until in rules.items()]
        kept = tuple(KeptView(what=rule.what, why=rule.why, until=until) for rule, until in told)
        words = retention.deletion
        return cls(state=asked.person.state, final_at=asked.final_at, undo=words.undo, erased=words.erased, kept=kept)


@me.get("/me")
@allow(Access.SIGNED_IN)
@answers(200, MeView)
async def show(request: Request) -> HTTPResponse:
    """Give what is known of oneself."""
    return await _shown(await service.person(request.ctx.caller.person_id))


@me.patch("/me")
@allow(Access.SIGNED_IN)
@body(Profile)
@answers(200, MeView)
async def change(request: Request, body: Profile) -> HTTPResponse:
    """Say one's name, or take it back."""
    return await _shown(await service.rename(request.ctx.caller.person_id, body.name))


@me.post("/me/phone")
@allow(Access.SIGNED_IN)
@body(PhoneCode)
@answers(200, MeView)
async def phone(request: Request, body: PhoneCode) -> HTTPResponse:
    """Give one's phone number, by WeChat's own confirmation."""
    ctx = request.app.ctx
    return await _shown(await service.set_phone(request.ctx.caller.person_id, body.code, ctx.wechat, ctx.limits))


@me.get("/me/export")
@allow(Access.SIGNED_IN)
@answers(200, ExportView, *BOTH)
async def exported(request: Request) -> HTTPResponse:
    """Give everything that is kept about oneself, in full, as JSON or as a page."""
    person_id = request.ctx.caller.person_id
    await request.app.ctx.limits.take("export", str(person_id), EXPORTS, EXPORT_SECONDS)
    appeals = [_appeal(one) for one in await Appeal.filter(person_id=person_id).order_by("id")]
    found = ExportView(**dict(await export(person_id)), appeals=appeals)
    if wants_page(request):
        return HTTPResponse(pages.export_page(found, found.appeals), 200, PAGE_HEADERS, HTML)
    return answer(found)


@me.delete("/me")
@allow(Access.SIGNED_IN)
@body(Nothing, optional=True)
@answers(200, DeletionView)
async def delete(request: Request, body: Nothing) -> HTTPResponse:  # noqa: ARG001 -- declared, so that it is checked
    """Have one's account deleted: sessions end at once, everything else some days later."""
    retention = request.app.ctx.retention
    asked = await deletion.request(request.ctx.caller.person_id, retention)
    return answer(DeletionView.of(asked, retention))


async def _shown(person: Person) -> FixedResponse:
    number = service.readable_phone(person)
    mine = await view_of(person)
    return answer(MeView(**dict(mine), phone=number.masked if number else None, created_at=person.created_at))


def _appeal(one: Appeal) -> AppealPart:
    return AppealPart(**{name: getattr(one, name) for name in AppealPart.model_fields})
