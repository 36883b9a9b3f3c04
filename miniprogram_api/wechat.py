"""Where WeChat calls us. Everybody may knock, WeChat's signature is the permission: `server.callbacks.ports`."""

from pydantic import ConfigDict, Field
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.reading import Query
from miniprogram_api.web import Face, allow, answers, query
from server.callbacks import service
from server.callbacks.models import Account
from server.callbacks.ports import CallbackReader
from server.kernel import clock

wechat = Face("wechat", url_prefix="/wechat")
_PLAIN = "text/plain; charset=utf-8"
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Signed(Query):
    """What WeChat adds to the address; parameters that it may come to add are no reason to lose its events."""

    model_config = ConfigDict(extra="ignore")

    signature: str = Field("", max_length=128)
    timestamp: str = Field(max_length=16)
    nonce: str = Field(max_length=64)
    msg_signature: str = Field("", max_length=128)
    encrypt_type: str = Field("", max_length=16)
    openid: str = Field("", max_length=64)


class Greeting(Signed):
    """The same where WeChat asks whose address this is."""

    echostr: str = Field(max_length=256)


@wechat.get("/callback")
@allow(Access.PUBLIC)
@query(Greeting)
@answers(200, None, "text/plain")
async def mini_program_greeting(request: Request, query: Greeting) -> HTTPResponse:
    """Prove to WeChat that this is the mini-program's address."""
    return _greeted(request, Account.MINI_PROGRAM, query)


@wechat.post("/callback")
@allow(Access.PUBLIC)
@query(Signed)
@answers(200, None, "text/plain")
async def mini_program_event(request: Request, query: Signed) -> HTTPResponse:
    """Take an event of the mini-program, XML or JSON, plain or sealed; WeChat's signature is the permission."""
    return await _taken(request, Account.MINI_PROGRAM, query)


@wechat.get("/service-callback")
@allow(Access.PUBLIC)
@query(Greeting)
@answers(200, None, "text/plain")
async def service_account_greeting(request: Request, query: Greeting) -> HTTPResponse:
    """Prove to WeChat that this is the service account's address."""
    return _greeted(request, Account.SERVICE_ACCOUNT, query)


@wechat.post("/service-callback")
@allow(Access.PUBLIC)
@query(Signed)
@answers(200, None, "text/plain")
async def service_account_event(request: Request, query: Signed) -> HTTPResponse:
    """Take an event of the service account, XML or JSON, plain or sealed; WeChat's signature is the permission."""
    return await _taken(request, Account.SERVICE_ACCOUNT, query)


def _greeted(request: Request, account: Account, query: Greeting) -> HTTPResponse:
    return _plain(_reader(request, account).verify(query.model_dump(), clock.now()))


async def _taken(request: Request, account: Account, query: Signed) -> HTTPResponse:
    event = _reader(request, account).read(query.model_dump(), request.body, clock.now())
    await service.take(account, event, request.app.ctx.wakeup)
    return _plain("success")


def _reader(request: Request, account: Account) -> CallbackReader:
    reader: CallbackReader = request.app.ctx.callbacks[account]
    return reader


def _plain(text: str) -> HTTPResponse:
    """Return text as WeChat reads it, which no browser takes for a page."""
    return HTTPResponse(text, 200, _HEADERS, _PLAIN)
