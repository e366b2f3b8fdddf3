"""The whole stack as a person runs it, on ports and a directory of its own."""

import os
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
from stack.errors import StackError
from stack.postgres import EmbeddedPostgres
from stack.processes import marked_processes
from stack.temporal import EmbeddedTemporal, answers, free_port
from stack.up import Stack, run
from tests.stack.dummies import ROOT, until

pytestmark = pytest.mark.filterwarnings("default::ResourceWarning")  # a failed test leaves pipes to the collector


class Place:
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
            subprocess.Popen(
                [sys.executable, "cli.py", "up"],
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
        done = subprocess.run(
            [sys.executable, "cli.py", "up"], cwd=ROOT, env=self.environment(), capture_output=True, text=True, timeout=60
        )
        return done.returncode, done.stderr

    def status(self, key: str) -> tuple[int, str]:
        """Of a request that needs PostgreSQL, and of the API's health, which also looks at Temporal."""
        with httpx.Client(base_url=f"http://127.0.0.1:{self.api}") as client:
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
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "var")


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, str]:
    """Where a first stack was ended by `kill -9`, and the API key it had printed."""
    place = Place(tmp_path_factory.mktemp("killed") / "var")
    with place.up() as (process, first):
        assert first == f"API        http://127.0.0.1:{place.api}/docs\n", place.words()
        assert answers("127.0.0.1", place.api, "/docs")
        process.kill()
        [key] = [line.split()[2] for line in rest(process).splitlines() if line.startswith("API key")]
    return place, key


@pytest.fixture(scope="module")
def restarted(killed: tuple[Place, str]) -> Iterator[tuple[Place, str, subprocess.Popen[str]]]:
    """The same stack, started again."""
    place, key = killed
    with place.up() as (process, first):
        assert first.startswith("API"), place.words()
        yield place, key, process


def test_kill_9_leaves_nothing_running(killed: tuple[Place, str]) -> None:
    place, _ = killed
    assert place.left() == []


def test_the_next_start_finds_the_data_again(restarted: tuple[Place, str, subprocess.Popen[str]]) -> None:
    place, key, _ = restarted
    assert place.status(key) == (200, "ready")


def test_a_second_stack_in_the_same_directory_is_refused(restarted: tuple[Place, str, subprocess.Popen[str]]) -> None:
    place, _, _ = restarted
    status, words = place.refused()
    assert status == 1
    assert "already running" in words.splitlines()[-1]


def test_servers_that_are_killed_are_started_again_and_requests_work(
    restarted: tuple[Place, str, subprocess.Popen[str]],
) -> None:
    place, key, process = restarted
    for name in ("postgres", "temporal"):
        [server] = [each for each in psutil.Process(process.pid).children() if each.name() == name]
        server.kill()
        server.wait(20)
        until(lambda: place.status(key) == (200, "ready"), 60)
    until(lambda: "Temporal was started again.\n" in place.words())
    assert place.words().count("ended unexpectedly (killed by SIGKILL); it is started again in 1 s. Its log: ") == 2
    assert "PostgreSQL was started again.\n" in place.words()


def test_a_signal_stops_everything_and_nothing_is_left(restarted: tuple[Place, str, subprocess.Popen[str]]) -> None:
    place, _, process = restarted
    process.send_signal(signal.SIGINT)
    assert "API key" not in rest(process)  # printed when it was made, and never again
    assert process.returncode == 0
    stages = [line.split()[1] for line in place.words().splitlines() if line.startswith("✓")]
    assert stages == ["PostgreSQL", "Temporal", "Database", "Worker,", "Stopped"]
    assert place.left() == []


def test_a_directory_that_is_removed_while_starting_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(stack: Stack) -> None:
        shutil.rmtree(stack.var_dir)
        stack._write_state()

    monkeypatch.setattr(Stack, "start", start)
    own = Settings(_env_file=None, var_dir=tmp_path / "var", database_url="postgresql:///x", temporal_address="example:7233")
    with pytest.raises(StackError, match=r"^/.*/var was removed while Linkwake was starting, so everything stops\.$"):
        run(own, ())


def test_servers_of_ones_own_replace_the_embedded_ones_and_stay_when_the_directory_goes(
    place: Place, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    postgres.create_database("ones_own")
    with EmbeddedTemporal(tmp_path / "temporal") as temporal:
        own = {"DATABASE_URL": postgres.url("ones_own"), "TEMPORAL_ADDRESS": temporal.address}
        with place.up(**own) as (process, first):
            assert first.startswith("API"), place.words()
            commands = [" ".join(child.cmdline()) for child in psutil.Process(process.pid).children()]
            assert sorted(command.split()[-1] for command in commands) == ["api", "redirect", "worker"]
            assert not (place.var_dir / "postgres").exists()
            until(lambda: removed(place.var_dir))
            rest(process)
        assert process.returncode == 1
        said = place.words().splitlines()
        assert said[-1] == f"{place.var_dir} was removed while Linkwake was running, so everything stops."
        assert "Traceback" not in place.words()
        assert place.left() == []
        assert postgres.child is not None
        assert postgres.child.alive
        assert answers("127.0.0.1", temporal.ui_port, "/")


def test_a_role_that_cannot_start_stops_everything_with_its_log(place: Place, tmp_path: Path) -> None:
    (tmp_path / "user_agents.py").write_text("raise RuntimeError('a broken installation')")
    with place.up(PYTHONPATH=str(tmp_path)) as (process, first):
        assert first == "\n"  # no addresses, but the key of the organization that was made
        assert "API key        lw_" in rest(process)
    assert process.returncode == 1
    assert "worker ended with status 1 while starting." in place.words()
    assert "RuntimeError: a broken installation" in place.words()
    assert place.left() == []


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
    Stack(settings, ())._print_addresses()
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
