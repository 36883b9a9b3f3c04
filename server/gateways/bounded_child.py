"""Run a program within limits of memory and time: `python -I bounded_child.py PROGRAM ARGUMENTS…`.

The limits hold before a line of the program is loaded. `server.gateways.bounded` starts it.
"""

import os
import resource
import runpy
import sys

_MEMORY_BYTES = 256 * 1024 * 1024
_CPU_SECONDS = 4


def main() -> None:
    """Limit this process and become the program that the first argument names."""
    limits = {
        resource.RLIMIT_AS: _MEMORY_BYTES,
        resource.RLIMIT_CPU: _CPU_SECONDS,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))
    os.nice(5)  # requests come first
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
