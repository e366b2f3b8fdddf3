"""One HTTP role: an ASGI application under Granian, until SIGTERM or SIGINT."""

from granian import Granian
from granian.constants import Interfaces, Loops
from granian.log import LogLevels

from settings import Settings
from stack.checks import Port, ports_free

STOP_SECONDS = 8  # below the supervisor's grace, so that Granian ends its worker itself


def serve(target: str, port: Port, settings: Settings) -> None:
    """Serve `module:factory`. Raises StackError when the port is in use; SystemExit when the application fails."""
    ports_free([port])
    _, host, number = port
    Granian(
        target,
        address=host,
        port=number,
        interface=Interfaces.ASGI,
        factory=True,
        workers=1,
        loop=Loops.uvloop,
        log_level=LogLevels(settings.log_level),
        workers_kill_timeout=STOP_SECONDS,
    ).serve()
