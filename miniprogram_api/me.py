"""What a person sees and says of themselves."""

from datetime import datetime

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.people import PersonView, view_of
from miniprogram_api.reading import Body
from miniprogram_api.representation import FixedResponse
from miniprogram_api.sessions import Code
from miniprogram_api.web import Face, allow, answer, answers, body
from server.people import names, service
from server.people.models import Person

me = Face("me")


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


async def _shown(person: Person) -> FixedResponse:
    number = service.phone_of(person)
    mine = await view_of(person)
    return answer(MeView(**dict(mine), phone=number.masked if number else None, created_at=person.created_at))
