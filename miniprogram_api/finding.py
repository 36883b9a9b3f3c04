"""One student found by number: in a body, since a number must not stand in an address."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import BaseModel
from sanic import HTTPResponse, Request

from miniprogram_api.reading import Body
from miniprogram_api.referral_bodies import Number
from miniprogram_api.referral_lists import ListedEnrolmentView, Year
from miniprogram_api.referrals import ReferralView
from miniprogram_api.shelf import ListView, paged
from miniprogram_api.web import Face, allow, answers, body, first
from server.access import rules
from server.access.rules import Right
from server.kernel import clock
from server.kernel.errors import FieldFault, invalid
from server.kernel.paging import Page
from server.kernel.sensitive import Sensitive
from server.organisations.roles import STAFF, Kind, Role
from server.referrals import finding as service
from server.students import id_number
from server.students.id_number import IdNumber

finding = Face("finding")
R = TypeVar("R")


class Sought(Body):
    """Whom one looks for, of all entry years or of one."""

    id_number: Number
    year: Year | None = None


async def _counted(request: Request, body: Sought) -> None:  # noqa: ARG001
    await service.count(request.ctx.caller.person_id, request.app.ctx.limits)


@finding.post("/referrals/find")
@allow(Right(Role.CLERK, frozenset({Kind.FEEDER_SCHOOL})), *STAFF)
@first(_counted)
@body(Sought)
@answers(200, ListView[ReferralView])
async def referrals(request: Request, body: Sought) -> HTTPResponse:
    """Find the referrals of one student by number: all for the secretariat, a school's own for its people.

    None where there is none, whoever else may know the number. It is noted who looked, and how often is limited.
    """
    return await _found(request, body, service.referrals, ReferralView.of)


@finding.post("/enrolments/find")
@allow(Right(Role.CLERK, frozenset({Kind.VOCATIONAL_SCHOOL})), *STAFF)
@first(_counted)
@body(Sought)
@answers(200, ListView[ListedEnrolmentView])
async def enrolments(request: Request, body: Sought) -> HTTPResponse:
    """Find the enrolments of one student by number: all for the secretariat, a school's own for its people.

    None where there is none, whoever else may know the number. It is noted who looked, and how often is limited.
    """
    return await _found(request, body, service.enrolments, ListedEnrolmentView.listed)


async def _found(
    request: Request, body: Sought, find: Callable[..., Awaitable[list[R]]], view: Callable[[R], BaseModel]
) -> HTTPResponse:
    caller, number = request.ctx.caller, _number(request, body)
    rows = await find(number, body.year, rules.within(caller), by=caller.person_id)
    return paged(Page(rows, None), view)


def _number(request: Request, body: Sought) -> Sensitive:
    """Return the number, which was checked as it was read; raises DomainError 422."""
    checked = id_number.check(body.id_number, request.app.ctx.id_regions, clock.today())
    if not isinstance(checked, IdNumber):
        raise invalid(FieldFault("/id_number", str(checked)))
    return checked.number
