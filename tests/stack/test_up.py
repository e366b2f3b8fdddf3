"""The whole stack as a person runs it, on ports and a directory of its own."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from settings import Settings
from stack.children.processes import marked_processes, tethered
from stack.errors import StackError
from stack.private import OURS, OURS_TOO
from stack.servers.ports import free_port
from stack.servers.postgres import EmbeddedPostgres
from stack.servers.temporal import EmbeddedTemporal, answers
from stack.up import Stack, run
from tests.hostile import HOSTILE
from tests.stack.dummies import ROOT, until

pytestmark = pytest.mark.filterwarnings("default::ResourceWarning")  # a failed test leaves pipes to the collector


class OwnStack:
    """Ports and a directory for one stack, and its runs."""

    def __init__(self, var_dir: Path) -> None:
        self.var_dir = var_dir
        self._words = var_dir.with_name("words")
        self.api, self.redirect, self.temporal, self.ui = (free_port() for _ in range(4))

    def environment(self, **more: str) -> dict[str, str]:
        ports = {
            "API_PORT": self.api,
            "REDIRECT_PORT": self.redirect,
            "TEMPORAL_PORT": self.temporal,
            "TEMPORAL_UI_PORT": self.ui,
        }
        return {**os.environ, "VAR_DIR": str(self.var_dir), **{name: str(port) for name, port in ports.items()}, **more}

    @contextmanager
    def up(self, **more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
        """A stack that is ready, and its first line. Whatever happens, it is gone afterwards. `words` has its messages."""
        with (
            self._words.open("w") as words,
            subprocess.Popen(  # noqa: S603 - our own command
                tethered([sys.executable, "cli.py", "up"]),
                cwd=ROOT,
                env=self.environment(**more),
                stdout=subprocess.PIPE,
                stderr=words,
                text=True,
            ) as process,
        ):
            try:
                assert process.stdout is not None
                yield process, process.stdout.readline()
            finally:
                process.kill()

    def words(self) -> str:
        """What the last `up` said on stderr until now."""
        return self._words.read_text()

    def refused(self) -> tuple[int, str]:
        """Status and words of an `up` that is expected to fail."""
        done = subprocess.run(  # noqa: S603 - our own command
            tethered([sys.executable, "cli.py", "up"]),
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stderr

    def status(self, key: str) -> tuple[int, str]:
        """Of a request that needs PostgreSQL, and of the API's health, which also looks at Temporal."""
        with httpx.Client(base_url=f"http://127.0.0.1:{self.api}", trust_env=False) as client:
            try:
                answer = client.get("/v1/organization", headers={"Authorization": f"Bearer {key}"})
                return answer.status_code, client.get("/health/ready").json()["status"]
            except httpx.HTTPError as error:
                return 0, str(error)

    def left(self) -> list[psutil.Process]:
        """What still runs after 20 s."""
        return list(psutil.wait_procs(marked_processes(str(self.var_dir)), timeout=20)[1])


def removed(directory: Path) -> bool:
    """False when servers have written into it meanwhile."""
    shutil.rmtree(directory, ignore_errors=True)
    return not directory.exists()


def rest(process: subprocess.Popen[str]) -> str:
    """What it prints until it ends."""
    assert process.stdout is not None
    text = process.stdout.read()
    process.wait(20)
    return text


@pytest.fixture
def stack(tmp_path: Path) -> OwnStack:
    return OwnStack(tmp_path / "var")


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[OwnStack, str]:
    """Where a first stack was ended by `kill -9`, and the API key it had printed. It starts among variables of other work."""
    stack = OwnStack(tmp_path_factory.mktemp("killed") / "var")
    with stack.up(**HOSTILE) as (process, first):
        assert re.fullmatch(rf"Console    http://127\.0\.0\.1:{stack.api}/console/sign-in/\S+   \(signs in once.*\)\n", first), (
            stack.words()
        )
        assert answers("127.0.0.1", stack.api, "/docs")
        assert process.stdout is not None
        key = next(line.split()[2] for line in process.stdout if line.startswith("API key"))
        process.kill()
        rest(process)
    return stack, key


@pytest.fixture(scope="module")
def restarted(killed: tuple[OwnStack, str]) -> Iterator[tuple[OwnStack, str, subprocess.Popen[str]]]:
    """The same stack, started again in the same environment."""
    stack, key = killed
    with stack.up(**HOSTILE) as (process, first):
        assert first.startswith("Console"), stack.words()
        yield stack, key, process


def test_kill_9_leaves_nothing_running(killed: tuple[OwnStack, str]) -> None:
    stack, _ = killed
    assert stack.left() == []


def test_the_next_start_finds_the_data_again_and_nobody_else_does(restarted: tuple[OwnStack, str, subprocess.Popen[str]]) -> None:
    stack, key, _ = restarted
    written = [path for path in stack.var_dir.rglob("*") if path.is_file() or path.is_dir()]
    assert [path for path in written if path.stat().st_mode & 0o077] == []
    known = {path for pattern in (*OURS, *OURS_TOO) for path in stack.var_dir.glob(pattern)}
    assert {*stack.var_dir.iterdir()} - known == set()  # what is not listed is not closed after an earlier version
    assert stack.status(key) == (200, "ready")


def test_a_second_stack_in_the_same_directory_is_refused(restarted: tuple[OwnStack, str, subprocess.Popen[str]]) -> None:
    stack, _, _ = restarted
    status, words = stack.refused()
    assert status == 1
    assert "already running" in words.splitlines()[-1]


def test_servers_that_are_killed_are_started_again_and_requests_work(
    restarted: tuple[OwnStack, str, subprocess.Popen[str]],
) -> None:
    stack, key, process = restarted
    for name in ("postgres", "temporal"):
        [server] = [each for each in psutil.Process(process.pid).children() if each.name() == name]
        server.kill()
        server.wait(20)
        until(lambda: stack.status(key) == (200, "ready"), 60)
    until(lambda: "Temporal was started again.\n" in stack.words())
    assert stack.words().count("ended unexpectedly (killed by SIGKILL); it is started again in 1 s. Its log: ") == 2
    assert "PostgreSQL was started again.\n" in stack.words()


def test_a_signal_stops_everything_and_nothing_is_left(restarted: tuple[OwnStack, str, subprocess.Popen[str]]) -> None:
    stack, _, process = restarted
    process.send_signal(signal.SIGINT)
    assert "API key" not in rest(process)  # printed when it was made, and never again
    assert process.returncode == 0
    stages = [line.split()[1] for line in stack.words().splitlines() if line.startswith("✓")]
    assert stages == ["PostgreSQL", "Temporal", "Database", "Worker,", "Stopped"]
    assert stack.left() == []


def test_a_directory_that_is_removed_while_starting_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(stack: Stack) -> None:
        shutil.rmtree(stack.var_dir)
        stack._write_state()

    monkeypatch.setattr(Stack, "start", start)
    own = Settings(_env_file=None, var_dir=tmp_path / "var", database_url="postgresql:///x", temporal_address="example:7233")
    with pytest.raises(StackError, match=r"^/.*/var was removed while Linkwake was starting, so everything stops\.$"):
        run(own, ())


def test_servers_of_ones_own_replace_the_embedded_ones_and_stay_when_the_directory_goes(
    stack: OwnStack, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    postgres.create_database("ones_own")
    with EmbeddedTemporal(tmp_path / "temporal") as temporal:
        own = {"DATABASE_URL": postgres.url("ones_own"), "TEMPORAL_ADDRESS": temporal.address}
        with stack.up(**own) as (process, first):
            assert first.startswith("Console"), stack.words()
            commands = [" ".join(child.cmdline()) for child in psutil.Process(process.pid).children()]
            roles = sorted(command.split()[-1] for command in commands if "guard.py" not in command)
            assert roles == ["api", "redirect", "worker"]
            assert not (stack.var_dir / "postgres").exists()
            until(lambda: removed(stack.var_dir))
            rest(process)
        assert process.returncode == 1
        said = stack.words().splitlines()
        assert said[-1] == f"{stack.var_dir} was removed while Linkwake was running, so everything stops."
        assert "Traceback" not in stack.words()
        assert stack.left() == []
        assert postgres.child is not None
        assert postgres.child.alive
        assert answers("127.0.0.1", temporal.ui_port, "/")


def test_a_role_that_cannot_start_stops_everything_with_its_log(stack: OwnStack, tmp_path: Path) -> None:
    (tmp_path / "user_agents.py").write_text("raise RuntimeError('a broken installation')")
    with stack.up(PYTHONPATH=str(tmp_path)) as (process, first):
        assert first == "\n"  # no addresses, but the key of the organization that was made
        assert "API key        lw_" in rest(process)
    assert process.returncode == 1
    assert "worker ended with status 1 while starting." in stack.words()
    assert "ended by an error" in stack.words()
    assert "RuntimeError at services/clicks/devices.py:" in stack.words()
    assert "user_agents.py:1 <module>" in stack.words()
    assert stack.left() == []


def test_own_servers_need_no_ports(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, var_dir=tmp_path, database_url="postgresql:///x", temporal_address="example:7233")
    assert [name for name, _, _ in Stack(settings, ())._ports()] == ["API_PORT", "REDIRECT_PORT"]


def test_the_port_of_the_workers_metrics_is_looked_at(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, var_dir=tmp_path, worker_metrics_port=9000)
    assert ("WORKER_METRICS_PORT", "0.0.0.0", 9000) in Stack(settings, ())._ports()  # noqa: S104


def test_a_server_on_all_addresses_is_shown_with_one_that_can_be_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(_env_file=None, var_dir=tmp_path, api_host="0.0.0.0", api_port=1, redirect_host="::", redirect_port=2)  # noqa: S104
    Stack(settings, ())._print_addresses("http://127.0.0.1:1/console")
    out = capsys.readouterr().out
    assert "http://127.0.0.1:1/docs" in out
    assert "http://[::1]:2" in out


def test_a_geo_database_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here, missing = tmp_path / "city.mmdb", tmp_path / "none.mmdb"
    here.touch()
    for path in (None, here, missing):
        Stack(Settings(_env_file=None, var_dir=tmp_path, geo_database=path), ())._warn_of_geo_database()
    said = capsys.readouterr().err
    assert said == f"GEO_DATABASE={missing} is not there: clicks are recorded without a place.\n"


@pytest.mark.parametrize(("created", "said"), [(None, "Lost key"), ({"id": "1", "api_key": "lw_new"}, "lw_new")])
def test_a_start_shows_the_first_key_or_how_to_get_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    created: dict[str, str] | None,
    said: str,
) -> None:
    stack = Stack(Settings(_env_file=None, var_dir=tmp_path, database_url="postgresql:///x", temporal_address="example:7233"), ())
    for name in ("_ports", "_start_servers", "_write_state", "_start_roles"):
        monkeypatch.setattr(stack, name, list)
    monkeypatch.setattr(stack, "_migrate", lambda: created)
    stack.start()
    out = capsys.readouterr().out
    assert [word in out for word in ("Lost key", "lw_new")] == [said == "Lost key", said == "lw_new"]
