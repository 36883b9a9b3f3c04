"""A server that is told to stop while it starts: by its own signal, during the event that it is called with."""

import asyncio
import os
import signal
import sys

from server import app
from server.kernel import log
from server.settings import Settings

if __name__ == "__main__":
    settings = Settings.from_env(os.environ)
    log.configure(settings.log_level)
    built = app.build(settings)

    async def stopping(_app: app.App) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.05)

    built.register_listener(stopping, sys.argv[1])
    app.serve(built)
