"""Our server with content of its own: run as a module, it serves what the folder named to it says."""

import os
import sys
from pathlib import Path

from server import app
from server.kernel import log
from server.settings import Settings

if __name__ == "__main__":
    app.CONTENT_DIR = Path(sys.argv[1])
    settings = Settings.from_env(os.environ)
    log.configure(settings.log_level)
    app.serve(app.build(settings))
