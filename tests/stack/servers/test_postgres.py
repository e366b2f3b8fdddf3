"""The embedded PostgreSQL survives what happens to processes and directories."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import create_engine, text

from stack.errors import StackError
from stack.servers import postgres as postgres_module
from stack.servers.postgres import LONGEST_SOCKET, EmbeddedPostgres
from tests.stack.dummies import kill_and_wait, python

KEEPER = """
import sys, time
from pathlib import Path
from stack.servers.postgres import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1])) as server:
    print(server.child.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture
def server(cluster: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(cluster) as server:
        server.create_database("kept")
        yield server


def _ask(server: EmbeddedPostgres, question: str) -> object:
    with psycopg.connect(server.url("kept"), autocommit=True) as connection:
        cursor = connection.execute(question)
        row = cursor.fetchone() if cursor.description else (None,)
        return row[0] if row else None


def test_a_cluster_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(StackError, match="belongs to PostgreSQL 15, this is 18"):
        EmbeddedPostgres(tmp_path).start()


def test_a_server_that_was_not_started_has_no_address(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="has not been started"):
        EmbeddedPostgres(tmp_path).url("x")


def test_an_interrupted_initdb_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "data.new").mkdir()
    (tmp_path / "data.new" / "half").write_text("")
    with EmbeddedPostgres(tmp_path) as server:
        server.create_database("kept")
        assert _ask(server, "SELECT 1") == 1


def test_a_settings_error_of_the_server_is_shown(
    cluster: Path, server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stop()
    monkeypatch.setitem(postgres_module.SETTINGS, "shared_buffers", "much")
    with (
        pytest.raises(StackError, match=r"PostgreSQL ended with status 1 while starting[\s\S]*shared_buffers"),
        EmbeddedPostgres(cluster),
    ):
        pass


def test_a_killed_supervisor_takes_the_server_along_and_the_data_stays(cluster: Path, server: EmbeddedPostgres) -> None:
    _ask(server, "CREATE TABLE fact AS SELECT 42 AS answer")
    server.stop()
    with python(KEEPER, str(cluster)) as keeper:
        assert keeper.stdout is not None
        assert kill_and_wait(keeper, [int(keeper.stdout.readline())]) == []
    with EmbeddedPostgres(cluster) as again:
        assert _ask(again, "SELECT answer FROM fact") == 42


def test_a_killed_server_recovers_without_manual_work(cluster: Path, server: EmbeddedPostgres) -> None:
    _ask(server, "CREATE TABLE durable AS SELECT 1 AS n")
    assert server.child is not None
    os.kill(server.child.pid or 0, signal.SIGKILL)
    server.child.finish()
    with EmbeddedPostgres(cluster) as again:
        assert _ask(again, "SELECT n FROM durable") == 1


def test_a_busy_session_of_a_killed_server_does_not_keep_the_next_one_away(cluster: Path, server: EmbeddedPostgres) -> None:
    """A long statement does not notice that its server is gone, and its shared memory keeps another server out."""
    assert server.child is not None
    with psycopg.connect(server.url("kept"), autocommit=True) as connection:
        session = psutil.Process(connection.info.backend_pid)
        connection.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 10000000000)")
        session.suspend()
        os.kill(server.child.pid or 0, signal.SIGKILL)
        server.child.wait(20)
        server.child.spec.prepare()
        server.child.start()
        server.wait_until_ready()
        assert not session.is_running()
        assert _ask(server, "SELECT 1") == 1
        connection.close()


def test_a_pid_file_whose_number_went_to_another_program_is_dropped(cluster: Path, server: EmbeddedPostgres) -> None:
    pid_file = cluster / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.stop()
    pid_file.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    os.chown(pid_file, (cluster / "data").stat().st_uid, -1)
    with EmbeddedPostgres(cluster) as again:
        assert _ask(again, "SELECT 1") == 1


def test_a_server_that_still_runs_on_the_cluster_is_stopped_first(cluster: Path, server: EmbeddedPostgres) -> None:
    assert server.child is not None
    old = psutil.Process(server.child.pid or 0)
    with EmbeddedPostgres(cluster) as again:
        assert not server.child.alive
        assert again.child is not None
        assert again.child.pid != old.pid


def test_a_path_too_long_for_a_socket_gets_a_private_directory(tmp_path: Path) -> None:
    directory = tmp_path / ("x" * LONGEST_SOCKET)
    with EmbeddedPostgres(directory) as server:
        server.create_database("kept")
        sockets = Path(str(_ask(server, "SHOW unix_socket_directories")))
        assert sockets.stat().st_mode & 0o077 == 0
    assert not sockets.exists()
    sockets.mkdir()  # as after kill -9
    with EmbeddedPostgres(directory):
        assert not sockets.exists()


def test_the_only_way_in_is_the_socket_of_this_user(server: EmbeddedPostgres) -> None:
    assert server.child is not None
    connections = psutil.Process(server.child.pid or 0).net_connections(kind="inet")
    assert connections == []
    assert (server.directory / ".s.PGSQL.5432").stat().st_mode & 0o077 == 0


def test_commits_are_synchronous_and_pages_have_checksums(server: EmbeddedPostgres) -> None:
    values = [_ask(server, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")]
    assert values == ["on"] * 4


def test_text_folds_alike_on_every_machine(server: EmbeddedPostgres) -> None:
    assert _ask(server, "SELECT lower('ÄÉ')") == "äé"


def test_the_address_works_for_psycopg_and_sqlalchemy_with_odd_characters_in_the_path(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "a b+c%d") as server:
        server.create_database("kept")
        server.create_database("kept")
        assert _ask(server, "SELECT current_database()") == "kept"
        engine = create_engine(server.url("kept").replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT 1")) == 1
        engine.dispose()
