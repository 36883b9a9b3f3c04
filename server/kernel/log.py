"""Logs: one JSON line per event on standard output, without personal data.

What may carry a person's data never reaches a line: no URL with its query, no header, no address, and of an
exception only its type and the places it passed through, since messages of databases quote values.
"""

import logging
import sys
import traceback
from typing import Any

import orjson
import structlog
from structlog.types import EventDict, Processor


def configure(level: str) -> None:
    """Send structlog's events and those of every library to standard output as JSON lines."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _places_only,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(_dumps),
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    _quieten()


def _quieten() -> None:
    """Let Sanic log through us, and keep what quotes statements or URLs from logging at all."""
    for name in ("sanic.root", "sanic.error", "sanic.access", "sanic.server", "sanic.websockets"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    for name in ("tortoise", "aiosqlite", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _places_only(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its type and the places it passed through."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        event["error"] = type(error).__name__
        event["places"] = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _dumps(event: Any, **_options: Any) -> str:
    return orjson.dumps(event, default=str).decode()
