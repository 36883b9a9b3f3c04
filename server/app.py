"""The composition root: builds the app, mounts the faces, serves it; `life` opens and closes what it leans on."""

import contextlib
import ctypes
import gc
from collections.abc import Mapping, Sequence

from sanic import Blueprint

from miniprogram_api import docs
from miniprogram_api.faces import FACES, publish
from miniprogram_api.problem import ProblemHandler, Problems
from miniprogram_api.protocol import BODY_LIMIT_BYTES, StrictProtocol, StrictRequest
from miniprogram_api.web import require_declarations
from server import life, schedules
from server.access.callers import Callers
from server.callbacks.models import Account
from server.gateways.scans import Scans
from server.gateways.seals import Seals
from server.gateways.spreadsheets import Spreadsheets
from server.gateways.tokens import Tokens
from server.gateways.vault import Vault
from server.gateways.wechat.callback import CallbackReader
from server.kernel import audit, sensitive
from server.kernel.jobs.worker import Handler
from server.kernel.traffic import TRAFFIC
from server.labour import operator
from server.secrets import Keys
from server.settings import ROOT, Settings

CONTENT_DIR = ROOT / "content"

WHERE_TO_LOOK = """
宜职通 is running. Try:
  {base}/                                             the guide, as pages in a browser
  {base}/api/v1/guide/2026/leaflet?audience=student   the students' leaflet, printable
  {base}/api/v1/guide/2026                            the articles of this year's guide
  {base}/api/v1/policies/aq-2024-91/clauses/15        one clause, in our words
  {base}/docs                                         every route
{wechat}Stop with Ctrl-C.
"""
WECHAT_IS_PLAYED = """WeChat is played at {standin}. Sign in as one of the demo people, here as a student:
  code=$(curl -s {standin}/control/codes -d '{{"openid": "demo-student"}}' | cut -d'"' -f4)
  curl -s {base}/api/v1/sessions -H 'Content-Type: application/json' -d '{{"code": "'$code'"}}'
"""

_COLLECTIONS = (10_000, 10, 10)
"""How much is made before rubbish is looked for: a list of ten thousand rows makes much and leaves no rubbish."""

App = life.App


def build(
    settings: Settings,
    *,
    extra_faces: Sequence[Blueprint] = (),
    extra_handlers: Mapping[str, Handler] | None = None,
) -> App:
    """Return the app for `settings`, ready to be served.

    `extra_faces` and `extra_handlers` are mounted beside our own; tests bring probes that way. Raises ContentError
    where the content is broken and RuntimeError where a route does not say who may call it.
    """
    problems = Problems.load(CONTENT_DIR)
    app = _app(settings, problems)
    _equip(app, settings)
    TRAFFIC.logged = settings.log_level in {"DEBUG", "INFO"}
    publish(app, CONTENT_DIR)
    for face in (*FACES, *extra_faces):
        app.blueprint(face)
    require_declarations(app)
    app.ctx.docs = docs.Docs(app, problems)
    life.live(app, settings, extra_handlers or {})
    return app


def _app(settings: Settings, problems: Problems) -> App:
    """Return an app that answers nothing yet."""
    app = App(
        "yizhitong",
        request_class=StrictRequest,
        error_handler=ProblemHandler(problems),
        configure_logging=False,
    )
    app.config.update(
        REQUEST_MAX_SIZE=BODY_LIMIT_BYTES,
        REQUEST_TIMEOUT=settings.request_seconds,
        RESPONSE_TIMEOUT=settings.request_seconds,
        KEEP_ALIVE_TIMEOUT=settings.request_seconds,
        GRACEFUL_SHUTDOWN_TIMEOUT=10.0,
        PROXIES_COUNT=settings.proxies or None,
        ACCESS_LOG=False,
        MOTD=False,
        NOISY_EXCEPTIONS=False,
    )
    app.ctx.settings = settings
    app.ctx.problems = problems
    return app


def _equip(app: App, settings: Settings) -> None:
    """Give an app what its handlers work with."""
    keys = unlock(settings)
    app.ctx.tokens = Tokens(keys["token_keys"].by_id)
    app.ctx.seals = Seals(keys["index_keys"].by_id)
    app.ctx.files = life.files(settings)
    app.ctx.scans = Scans()
    app.ctx.spreadsheets = Spreadsheets()
    app.ctx.callers = Callers(app.ctx.tokens)
    app.ctx.callbacks = callback_readers(settings)
    app.ctx.schedules = schedules.every(app.ctx.files)


def serve(app: App) -> None:
    """Serve `app` in this process until it is told to stop.

    One process: Sanic's manager never restarts a killed worker, and killing the manager leaves workers on the port.
    """
    settings: Settings = app.ctx.settings
    if not settings.wechat_url:
        from server.standin import serving  # noqa: PLC0415 -- where WeChat is real, nobody loads it

        standin = serving.build(settings.mini_program, settings.service_account, settings.base)
        serving.beside(app, standin, settings.standin_port)

    # What is made now stays until the end: no collection need ever walk through it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTIONS)
    gc.enable()
    with contextlib.suppress(OSError, AttributeError):  # glibc keeps what reading the content took, unless it is told
        ctypes.CDLL(None).malloc_trim(0)

    @app.after_server_start
    async def tell(_app: App) -> None:
        if not settings.production:
            played = "" if settings.wechat_url else WECHAT_IS_PLAYED.format(base=settings.base, standin=settings.wechat)
            print(WHERE_TO_LOOK.format(base=settings.base, wechat=played), flush=True)  # noqa: T201

    app.run(
        settings.host,
        settings.port,
        protocol=StrictProtocol,
        single_process=True,
        access_log=False,
        motd=False,
        debug=False,
    )


def callback_readers(settings: Settings) -> Mapping[Account, CallbackReader]:
    """Return what reads the callbacks of each account; in production in secure mode only."""
    accounts = {Account.MINI_PROGRAM: settings.mini_program, Account.SERVICE_ACCOUNT: settings.service_account}
    return {
        account: CallbackReader(found.appid, found.callback_token, found.callback_key, secure_only=settings.production)
        for account, found in accounts.items()
    }


def unlock(settings: Settings) -> Mapping[str, Keys]:
    """Hand this process its vault, the keys of its audit and by what right it publishes; return the keys by ring."""
    keys = settings.keys()
    sensitive.use(Vault(keys["vault_keys"].by_id, keys["index_keys"].by_id))
    audit.use(keys["audit_keys"].by_id)
    operator.use(settings.operator.valid_to if settings.operator else None)
    return keys
