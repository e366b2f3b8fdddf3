"""One HTTP role: an application under Granian, until SIGTERM or SIGINT."""

import multiprocessing
import os
import resource
import signal
import sys

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels

from settings import Settings
from stack.checks import Port, ports_free
from stack.roles.garbage import collect_rarely

# Granian's own lines take the form that `stack.roles.logs` has given the root logger.
_THROUGH_ROOT = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {name: {"handlers": [], "propagate": True} for name in ("_granian", "granian.access")},
}
CONNECTIONS, SPARE_FILES = 16_384, 256
"""The number of connections that are served at once, where the system allows that many open files. With Granian's own 1,024, idle
connections would keep everybody out. `SPARE_FILES` are for everything else."""
HEADER_BYTES = 64 * 1024
"""The request line and all headers of a request together, within the size of one read. Longer ones are answered 431. HTTP/2 is
not spoken at all, because its header compression turns a few kilobytes on the wire into megabytes of headers before a handler
sees the request."""
STOP_SECONDS = 8  # below the supervisor's grace, so that Granian ends its worker itself


def serve(target: str, port: Port, settings: Settings, interface: Interfaces = Interfaces.ASGI) -> None:
    """Serves `module:factory`. Raises StackError when the port is in use, and SystemExit when the application fails."""
    ports_free([port])
    _, host, number = port
    if sys.platform == "linux":
        # The server's own process has no threads yet, and its worker shares the memory of everything that is imported here.
        multiprocessing.set_start_method("fork", force=True)
        os.register_at_fork(after_in_child=_begin)
    Granian(
        target,
        address=host,
        port=number,
        interface=interface,
        factory=True,
        workers=1,
        loop=Loops.uvloop,
        backpressure=_connections(),
        websockets=False,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(max_buffer_size=HEADER_BYTES),
        log_level=LogLevels(settings.log_level),
        log_dictconfig=_THROUGH_ROOT,
        workers_kill_timeout=STOP_SECONDS,
    ).serve()


def _connections() -> int:
    """Raises this process's limit of open files as far as the system allows. A higher limit stays."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + SPARE_FILES
    files = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return max(files - SPARE_FILES, SPARE_FILES)


def _begin() -> None:
    """Runs in the worker, before it does anything else."""
    # Until the worker listens to signals itself, it would inherit handlers that do nothing in it, and a stop during the start
    # would take STOP_SECONDS.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    collect_rarely()
