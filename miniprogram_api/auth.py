"""Who may call what, decided in one place."""

import hmac
from enum import StrEnum

from sanic import Request

from server.kernel.errors import DomainError


class Access(StrEnum):
    """What a route asks of its caller."""

    PUBLIC = "public"
    """Anyone; says so on purpose."""
    OPERATOR = "operator"
    """Whoever runs the system: the bearer of `YZT_METRICS_TOKEN`, or anyone where none is set."""


def authorise(request: Request, access: Access) -> str:
    """Return the name of the caller, under which idempotency keys are kept; raise DomainError 401 if refused."""
    if access is Access.OPERATOR:
        token: str = request.app.ctx.settings.metrics_token
        if token and not hmac.compare_digest((request.token or "").encode(errors="surrogateescape"), token.encode()):
            raise DomainError("not_signed_in", 401)
    return access.value
