"""`./linkwake up` runs the embedded servers and the roles as children of one supervisor, in order, until a signal."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console

from settings import Settings
from stack.addresses import in_url, reachable
from stack.checks import Port, make_writable, only_one, ports_free, removal_noticed
from stack.children.processes import START_PATIENCE, Child, Spec, tethered
from stack.children.supervisor import StopRequested, Supervisor, mark, stop_orphans
from stack.environment import misspelled
from stack.errors import StackError
from stack.private import make_private, write_privately
from stack.servers.postgres import EmbeddedPostgres
from stack.servers.temporal import HOST, EmbeddedTemporal, answers
from stack.state import READY_FILE, SECRET_KEYS, TOKEN_KEYS, KeyFile, write_state

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "linkwake"
FIRST_ORGANIZATION = "My organization"
LOST_KEY = "Lost key   ./linkwake organizations, then ./linkwake key ORGANIZATION_ID"
ROLE_TIER = 2
WORKER_NICENESS = "5"  # leaves the worker a quarter of a processor when the redirect needs all of it
ROLE_SECONDS = START_PATIENCE  # as long as a role has that is started again
ROLE_PATIENCE = 30.0  # seconds without a sign of life, which comes every 2 s (services/process/signs_of_life.py)


def run(settings: Settings, attributes: tuple[str, ...]) -> int:
    """Brings the stack up, waits for SIGINT or SIGTERM, and takes it down. Returns 0 after a signal. `attributes` are the search
    attributes of a new Temporal namespace. Raises StackError."""
    write_privately()
    stack = Stack(settings, attributes)
    with stack.supervisor.signals(), contextlib.suppress(StopRequested):
        make_writable(stack.var_dir)
        with only_one(stack.var_dir):
            make_private(stack.var_dir)
            try:
                with removal_noticed(stack.var_dir):
                    stack.start()
                stack.supervisor.watch()
            finally:
                stack.stop()
    return 0


class Stack:
    """The children of one `up`, and what it tells the person in front of it: progress on stderr, results on stdout."""

    def __init__(self, settings: Settings, attributes: tuple[str, ...]) -> None:
        self.settings = settings
        self.var_dir = settings.var_dir.absolute()
        self.screen = Console(stderr=True, highlight=False, soft_wrap=True)
        self.supervisor = Supervisor(self._say, homes=(ROOT, self.var_dir))
        self._logs = self.var_dir / "log"
        self._mark = mark(self.var_dir)
        self._postgres = None if settings.database_url else self._make_postgres()
        self._temporal = None if settings.temporal_client else self._make_temporal(attributes)

    def start(self) -> None:
        """Does everything up to printing the addresses. Raises StackError, and then the caller stops what was started."""
        begin = time.monotonic()
        self._warn_of_misspelled_settings()
        self._warn_of_geo_database()
        stop_orphans(self.var_dir, self._say)
        ports_free(self._ports())
        self._start_servers()
        self._write_state()
        with self._stage("Database schema and search attributes"):
            created = self._migrate()
        try:
            with self._stage("Worker, API and redirect"):
                self._start_roles()
            console = self._console()
            self._say(f"[green]Ready[/] after {time.monotonic() - begin:.1f} s. Ctrl-C stops everything.")
            self._print_addresses(console)
            if not created:
                print(LOST_KEY, flush=True)
        finally:  # the key is shown only once, so it is shown even when something else fails
            self._print_organization(created)

    def stop(self) -> None:
        if self.supervisor.children:
            with self._stage("Stopped", "Stopping"):
                self.supervisor.stop()
        if self._postgres:
            self._postgres.remove_private_sockets()

    def _make_postgres(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.var_dir / "postgres", self._logs / "postgres.log", self._mark)

    def _make_temporal(self, attributes: tuple[str, ...]) -> EmbeddedTemporal:
        settings = self.settings
        return EmbeddedTemporal(
            self.var_dir,
            port=settings.temporal_port,
            ui_port=settings.temporal_ui_port,
            namespace=settings.effective_temporal_namespace,
            attributes=attributes,
            log=self._logs / "temporal.log",
            environment=self._mark,
        )

    def _ports(self) -> list[Port]:
        settings = self.settings
        ports = [
            ("API_PORT", settings.api_host, settings.api_port),
            ("REDIRECT_PORT", settings.redirect_host, settings.redirect_port),
        ]
        if settings.worker_metrics_port:
            ports.append(("WORKER_METRICS_PORT", "0.0.0.0", settings.worker_metrics_port))  # noqa: S104 - compared, and tried
        if self._temporal:
            ports += [("TEMPORAL_PORT", HOST, settings.temporal_port), ("TEMPORAL_UI_PORT", HOST, settings.temporal_ui_port)]
        return ports

    def _warn_of_misspelled_settings(self) -> None:
        for name, meant in misspelled(Path(".env")):
            self._say(f"{name} in .env is no setting and does nothing: did you mean {meant}?")

    def _warn_of_geo_database(self) -> None:
        path = self.settings.geo_database
        if path and not path.is_file():
            self._say(f"GEO_DATABASE={path} is not there: clicks are recorded without a place.")

    def _start_servers(self) -> None:
        """Starts Temporal while PostgreSQL starts."""
        begin = time.monotonic()
        if self._temporal:
            self.supervisor.adopt(self._temporal.start())
        if self._postgres:
            with self._stage("PostgreSQL"):
                self.supervisor.adopt(self._postgres.start())
                self._postgres.wait_until_ready()
                self._postgres.create_database(DATABASE)
            for path in self._postgres.opened:
                self._say(
                    f"PostgreSQL runs as a user of its own and has to reach its data, so other users of this machine may "
                    f"now pass through {path}. They cannot list what is in it."
                )
        if self._temporal:
            with self._stage("Temporal", since=begin):
                self._temporal.wait_until_ready()

    def _write_state(self) -> None:
        settings = self.settings
        database = settings.database_url or (self._postgres.url(DATABASE) if self._postgres else "")
        temporal = self._temporal.address if self._temporal else settings.effective_temporal_address
        values: dict[str, str | int] = {
            "database_url": database,
            "temporal_address": temporal,
            "temporal_ui_url": self._ui_url(),
            "token_keys": self._keys(TOKEN_KEYS, settings.token_keys),
            "secret_keys": self._keys(SECRET_KEYS, settings.secret_keys),
            "pid": os.getpid(),
        }
        write_state(self.var_dir, values)

    def _keys(self, file: KeyFile, given: SecretStr | None) -> str:
        return given.get_secret_value() if given else file.read(self.var_dir)

    def _ui_url(self) -> str:
        return self.settings.temporal_ui_url or (self._temporal.ui_url if self._temporal else "")

    def _start_roles(self) -> None:
        settings = self.settings
        ready = self.var_dir / READY_FILE
        ready.unlink(missing_ok=True)
        worker, api, redirect = (self._start_role(name) for name in ("worker", "API", "redirect"))
        redirect.wait_until(lambda: answers(reachable(settings.redirect_host), settings.redirect_port, _READY), ROLE_SECONDS)
        api.wait_until(lambda: answers(reachable(settings.api_host), settings.api_port, _READY), ROLE_SECONDS)
        worker.wait_until(lambda: _text(ready) == str(worker.pid), ROLE_SECONDS)

    def _start_role(self, name: str) -> Child:
        spec = Spec(
            name=name,
            command=(sys.executable, str(ROOT / "cli.py"), name.lower()),
            log=self._logs / f"{name.lower()}.log",
            tier=ROLE_TIER,
            restart=True,
            patience=ROLE_PATIENCE,
            alive_file=self.settings.alive_file(name.lower()).absolute(),
            cwd=ROOT,
            environment={**self._mark, **self._niceness(), "VAR_DIR": str(self.var_dir), "PYTHONUNBUFFERED": "1"},
        )
        child = self.supervisor.adopt(Child(spec))
        child.start()
        return child

    def _niceness(self) -> dict[str, str]:
        given = "worker_niceness" in self.settings.model_fields_set
        return {} if given else {"WORKER_NICENESS": WORKER_NICENESS}

    def _migrate(self) -> dict[str, str] | None:
        """Returns the first organization if this call created it. Its key is in the answer and nowhere else."""
        text = self._tool("migrate", "--first-organization", FIRST_ORGANIZATION)
        return dict(json.loads(text)) if text.strip() else None

    def _tool(self, *arguments: str) -> str:
        """Runs a subcommand to its end in a process of its own, which keeps this one small, and returns its output. Raises
        StackError."""
        command = tethered([sys.executable, str(ROOT / "cli.py"), *arguments])
        environment = {**os.environ, **self._mark, "VAR_DIR": str(self.var_dir)}
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)  # noqa: S603 - our own command
        if done.returncode:
            raise StackError(done.stderr.strip() or f"./linkwake {arguments[0]} ended with status {done.returncode}.")
        return done.stdout

    def _console(self) -> str:
        """Returns a link that signs in once. When no organization has a live owner key, the address has to do."""
        try:
            return f"{self._tool('sign-in').strip()}   (signs in once, for half an hour)"
        except StackError:
            return self.settings.effective_console_url

    def _print_addresses(self, console: str) -> None:
        settings = self.settings
        lines = [
            f"Console    {console}",
            f"API        http://{in_url(settings.api_host)}:{settings.api_port}/docs",
            f"Redirect   http://{in_url(settings.redirect_host)}:{settings.redirect_port}",
        ]
        if self._ui_url():
            lines.append(f"Temporal   {self._ui_url()}")
        lines.append(f"Logs       {self._logs}")
        print("\n".join(lines), flush=True)

    def _print_organization(self, created: dict[str, str] | None) -> None:
        if created:
            lines = [
                "",
                f"Organization   {FIRST_ORGANIZATION} ({created['id']})",
                f"API key        {created['api_key']}   (shown only once: keep it)",
            ]
            print("\n".join(lines), flush=True)

    def _say(self, text: str) -> None:
        self.screen.print(text, markup="[green]" in text)

    @contextmanager
    def _stage(self, done: str, doing: str | None = None, since: float | None = None) -> Iterator[None]:
        """Shows a spinner while the block runs, and a line with its time when it is done. `since` is when the work began, if
        earlier than now."""
        begin = time.monotonic() if since is None else since
        with self.screen.status(f"{doing or done} …"):
            yield
        self.screen.print(f"[green]✓[/] {done} [dim]{time.monotonic() - begin:.1f} s[/]")


_READY = "/health/ready"


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text().strip()
    return ""
