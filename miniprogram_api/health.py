"""What whoever runs the system asks it: is it alive, is it ready, what has it counted."""

from typing import Literal

from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.reading import Body
from miniprogram_api.web import Face, allow, answer, answers
from server.kernel import metrics
from server.kernel.jobs import observe
from server.notices import reminding, statistics

health = Face("health")
Condition = Literal["ok", "degraded", "failed"]


class LiveView(Body):
    """The process runs."""

    status: Literal["ok"]


class ReadyView(Body):
    """Whether the process can serve, and what it leans on: `ok`, `degraded` (it serves all the same) or `failed`."""

    status: Condition
    checks: dict[str, Condition]


@health.get("/health/live")
@allow(Access.PUBLIC)
@answers(200, LiveView)
async def live(_request: Request) -> HTTPResponse:
    """Tell that the process runs."""
    return answer(LiveView(status="ok"))


@health.get("/health/ready")
@allow(Access.PUBLIC)
@answers(503, ReadyView)
@answers(200, ReadyView)
async def ready(request: Request) -> HTTPResponse:
    """Tell whether the process can serve: database, migrations and content; Redis only degrades it."""
    checks = await request.app.ctx.readiness()
    failed = "failed" in checks.values()
    status: Condition = "failed" if failed else "degraded" if "degraded" in checks.values() else "ok"
    return answer(ReadyView(status=status, checks=checks), 503 if failed else 200)


@health.get("/metrics")
@allow(Access.OPERATOR)
@answers(200, None, "text/plain")
async def measured(request: Request) -> HTTPResponse:
    """Give everything counted in Prometheus's text format."""
    await observe.refresh([schedule.name for schedule in request.app.ctx.schedules])
    await statistics.refresh()
    await reminding.refresh()
    return HTTPResponse(metrics.exposition(), 200, None, "text/plain; version=0.0.4; charset=utf-8")
