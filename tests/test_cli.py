"""The command line: quick, one sentence for each failure, exit statuses that scripts can trust."""

import asyncio
import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from typer.main import get_command

import cli
from cli_operator import LIMITS
from models.database import Database
from models.errors import Conflict, ConflictCode
from models.organizations.audit_log import AuditFilter, audit_page
from models.organizations.caller import Caller, find_by_key
from models.organizations.limits import Limits
from models.organizations.organization import Organization, create_organization
from models.paging import PageRequest
from models.wire.names import SEARCH_ATTRIBUTES
from settings import Settings
from stack import named_modules
from stack.errors import WrongUse
from stack.failures import sentence
from stack.servers.postgres import EmbeddedPostgres
from stack.servers.temporal import EmbeddedTemporal
from stack.session import nothing_set_but

NOWHERE = "postgresql://someone@127.0.0.1:1/none"


@pytest.fixture
def arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """The environment of a machine on which nothing was ever set or started."""
    for name in ("DATABASE_URL", "TEMPORAL_ADDRESS", "TOKEN_KEYS"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    return monkeypatch


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["./linkwake", *words])
    return cli.main()


def test_no_stack_and_no_address_is_one_sentence(arguments: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments, "migrate") == 1
    assert capsys.readouterr().err == "DATABASE_URL is not set and no embedded stack was found: run ./linkwake up, or set it.\n"


def test_what_a_command_does_is_said_without_a_line_that_breaks_in_the_middle() -> None:
    found = [get_command(cli.app)]
    for each in found:
        found += getattr(each, "commands", {}).values()
    assert len(found) > 20
    assert [each.name for each in found if "\n" in (each.help or "").partition("\n\n")[0]] == []


def test_keys_that_are_a_setting_are_not_rotated_here(arguments: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    arguments.setenv("TOKEN_KEYS", "11" * 32)
    assert run(arguments, "rotate-token-key") == 1
    assert capsys.readouterr().err.startswith("TOKEN_KEYS is set: ")


def test_a_rotation_says_to_restart_and_a_third_key_is_refused(
    arguments: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "token_keys").write_text("22" * 32)
    assert run(arguments, "rotate-token-key") == 0
    assert "Restart" in capsys.readouterr().out
    assert run(arguments, "rotate-token-key") == 1
    assert "--drop-oldest" in capsys.readouterr().err
    assert run(arguments, "rotate-token-key", "--drop-oldest") == 0


@pytest.mark.parametrize("words", [("migrate",), ("organization", "Ours")])
def test_an_unreachable_database_is_one_sentence(
    arguments: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    arguments.setenv("DATABASE_URL", NOWHERE)
    assert run(arguments, *words) == 1
    said = capsys.readouterr().err
    assert said.startswith("PostgreSQL cannot be reached (")
    assert said.count("\n") == 1


def test_a_wrong_setting_is_one_sentence(arguments: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    arguments.setenv("API_PORT", "http")
    assert run(arguments, "api") == 1
    assert capsys.readouterr().err.startswith("A setting is wrong: API_PORT: ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("bnech",), "No such command 'bnech'. Did you mean 'bench'? See ./linkwake --help.\n"),
        (("organization", "A", "B"), "Got unexpected extra argument(s) (B). See ./linkwake organization --help.\n"),
        (("organization",), "Missing argument 'name'. See ./linkwake organization --help.\n"),
    ],
)
def test_wrong_use_is_one_sentence_and_status_2(
    arguments: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    assert run(arguments, *words) == 2
    assert capsys.readouterr().err == sentence


def test_help_has_a_short_option_and_shows_up_first(arguments: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("-h",), ("limit", "-h"), ("link-domain", "assign", "-h")):
        assert run(arguments, *words) == 0
    shown = capsys.readouterr().out
    assert shown.index("up ") < shown.index("limit ")
    assert list(LIMITS) == list(Limits.model_fields)
    assert all(name in shown for name in LIMITS)


def test_an_unknown_name_lists_the_known_ones(
    arguments: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments.setattr(named_modules, "ROOT", tmp_path)
    (tmp_path / "bench").mkdir()
    for name in ("redirect", "click", "__init__", "_shared"):
        (tmp_path / "bench" / f"{name}.py").touch()
    assert run(arguments, "bench", "clock") == 2
    assert capsys.readouterr().err == "No such name in bench/: clock; the names are: click, redirect.\n"


def test_no_drills_is_said(arguments: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments.setattr(named_modules, "ROOT", tmp_path)
    assert run(arguments, "drill", "outage") == 2
    assert capsys.readouterr().err == "No such name in drills/: outage; there are none yet.\n"


def test_a_benchmark_that_makes_no_clicks_of_its_own_says_that_it_does_not_take_a_number(
    arguments: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments, "bench", "up", "--clicks", "5000") == 2
    assert capsys.readouterr().err == "bench up does not take --clicks.\n"


@pytest.mark.parametrize(("statuses", "expected"), [([0, 0, 0], 0), ([1, 0, 0], 1), ([0, 0, -9], 1)])
def test_check_runs_every_tool_and_fails_when_one_does(arguments: pytest.MonkeyPatch, statuses: list[int], expected: int) -> None:
    left = list(statuses)
    arguments.setattr(cli, "_run_module", lambda *_: left.pop(0))
    assert run(arguments, "check") == expected
    assert left == []


@pytest.fixture
def pytest_runs(arguments: pytest.MonkeyPatch) -> list[list[str]]:
    """The arguments of every run of pytest, which is not really started and ends with the status 5."""
    seen: list[list[str]] = []

    def record(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        seen.append(command[command.index("pytest") + 1 :])
        return subprocess.CompletedProcess(command, 5)

    arguments.setattr(subprocess, "run", record)
    return seen


def test_test_hands_every_argument_to_pytest_and_its_status_back(
    arguments: pytest.MonkeyPatch, pytest_runs: list[list[str]]
) -> None:
    assert run(arguments, "test", "-k", "click", "--help", "tests/api") == 5
    assert pytest_runs == [["-k", "click", "--help", "tests/api"]]


def test_the_floor_of_coverage_holds_for_all_tests_together_and_not_for_some(
    arguments: pytest.MonkeyPatch, pytest_runs: list[list[str]]
) -> None:
    assert (
        run(arguments, "test") == run(arguments, "test", "--coverage") == run(arguments, "test", "--coverage", "tests/api") == 5
    )
    alone, all_of_them, some = pytest_runs
    assert all_of_them == ["--cov", *alone]
    assert some == ["--cov", "--cov-fail-under=0", "tests/api"]


def test_help_loads_none_of_the_heavy_parts() -> None:
    code = "import sys, cli; sys.argv = ['x', '--help']; cli.main(); print(sorted({*sys.modules} & {*sys.stdin.read().split()}))"
    heavy = "pydantic sqlalchemy sqlmodel temporalio granian fastapi alembic psycopg structlog settings"
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], cwd=cli.ROOT, input=heavy, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


async def test_migrate_twice_makes_one_first_organization(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    postgres.create_database("from_the_command_line")
    with EmbeddedTemporal(tmp_path) as temporal:
        environment = {"DATABASE_URL": postgres.url("from_the_command_line"), "TEMPORAL_ADDRESS": temporal.address}
        first = json.loads(_command(environment, "migrate", "--first-organization", "First"))
        assert first["name"] == "First"
        assert first["api_key"].startswith("lw_")
        assert _command(environment, "migrate", "--first-organization", "Second") == ""
        client = await Client.connect(temporal.address)
        found = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="default"))
        assert set(SEARCH_ATTRIBUTES) <= set(found.custom_attributes)
    assert "API key       lw_" in _command(environment, "organization", "Another")


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "a\udcffb", "a\0b"])
def test_a_name_that_the_api_would_refuse_is_refused(database_url: str, name: str) -> None:
    done = _run({"DATABASE_URL": database_url}, "organization", name)
    expected = "The organization needs a name that can be read, of 200 characters at most.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", expected)


async def test_of_several_first_organizations_at_once_one_is_created(database: Database) -> None:
    async def first(name: str) -> dict[str, str] | None:
        async with database.transaction() as session:
            return await cli._create_first(session, name)

    created = await asyncio.gather(*(first(name) for name in "ABCDE"))
    assert len([each for each in created if each]) == 1


@pytest.mark.parametrize("name", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_a_key_for_an_unknown_organization_is_refused_in_one_sentence(database_url: str, name: str) -> None:
    done = _run({"DATABASE_URL": database_url}, "key", name)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"There is no organization {name}: ./linkwake organizations lists them.\n"


async def test_a_role_that_does_not_exist_is_wrong_use_and_the_roles_are_named(database: Database) -> None:
    async with database.transaction() as session:
        with pytest.raises(WrongUse, match="the roles are viewer, sender, editor, owner"):
            await cli._create_key(session, "any", "admin")


@pytest.mark.parametrize(
    ("name", "expires", "words"),
    [("", "", "needs a name"), ("shop", "2027-12-31", "with a zone"), ("shop", "2020-01-01T00:00:00Z", "is past")],
)
async def test_a_key_with_a_name_or_an_end_that_cannot_be_is_refused(
    database: Database, name: str, expires: str, words: str
) -> None:
    async with database.transaction() as session:
        with pytest.raises(WrongUse, match=words):
            await cli._create_key(session, "any", "owner", name, expires)


async def test_a_new_key_opens_the_listed_organization(database_url: str, database: Database) -> None:
    environment = {"DATABASE_URL": database_url}
    assert _command(environment, "organizations", "--json") == "[]\n"
    async with database.transaction() as session:
        first, _ = await create_organization(session, "First")
        second, _ = await create_organization(session, "Second")
    assert _command(environment, "organizations") == f"{first.id}  First\n{second.id}  Second\n"
    more = ("--role", "sender", "--name", "shop", "--expires", "2099-12-31T00:00:00Z")
    texts = [
        json.loads(_command(environment, "key", str(second.id), "--json"))["api_key"],
        _command(environment, "key", str(second.id), *more).removeprefix("API key").strip(),
    ]
    async with database.transaction() as session:
        found = [await find_by_key(session, text) for text in texts]
        made = await audit_page(session, second.id, AuditFilter(), PageRequest())
    assert [isinstance(each, Caller) and (each.organization.id, each.key.role) for each in found] == [
        (second.id, "owner"),
        (second.id, "sender"),
    ]
    keys = [each.key for each in found if isinstance(each, Caller)]
    assert [(key.name, key.expires_at) for key in keys] == [("command line", None), ("shop", datetime(2099, 12, 31, tzinfo=UTC))]
    assert [(row.action, row.key_id) for row in made[0][:2]] == [("api_keys.create", None)] * 2


async def test_a_name_is_listed_where_its_letters_cannot_be_written(
    database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.transaction() as session:
        await create_organization(session, "Gr\N{LATIN SMALL LETTER O WITH DIAERESIS}ner")
    written = io.BytesIO()
    screen = io.TextIOWrapper(written, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "argv", ["./linkwake", "organizations"])
    with patch.dict(os.environ, nothing_set_but(DATABASE_URL=database_url), clear=True):
        assert await asyncio.to_thread(cli.main) == 0
    screen.flush()
    assert b"Gr\\xf6ner" in written.getvalue()


async def test_the_operator_assigns_and_takes_away_link_domains(database_url: str, database: Database) -> None:
    environment = {"DATABASE_URL": database_url, "LINK_DOMAIN": "https://go.server.test"}
    async with database.transaction() as session:
        first, _ = await create_organization(session, "First")
        second, _ = await create_organization(session, "Second")
    _command(environment, "link-domain", "assign", str(first.id), "https://Go.Shop.test/")
    expected = [{"host": "go.shop.test", "organization_id": str(first.id), "proof": "operator"}]
    assert json.loads(_command(environment, "link-domain", "list", "--json")) == expected
    async with database.transaction() as session:
        (await session.get_one(Organization, first.id)).link_domain = "https://go.shop.test"
    for host, words in (("go.shop.test", "Another organization holds"), ("go.server.test", "the server's own link domain")):
        refused = _run(environment, "link-domain", "assign", str(second.id), host)
        assert (refused.returncode, words in refused.stderr) == (1, True), refused.stderr
    _command(environment, "link-domain", "release", "go.shop.test")
    async with database.transaction() as session:
        assert (await session.get_one(Organization, first.id)).link_domain is None
        shown = (await audit_page(session, first.id, AuditFilter(target_id="go.shop.test"), PageRequest()))[0]
    assert [(row.action, row.key_id) for row in shown] == [("link_domains.release", None), ("link_domains.assign", None)]
    assert _command(environment, "link-domain", "list") == ""


async def test_the_operator_gives_an_organization_limits_of_its_own(database_url: str, database: Database) -> None:
    environment = {"DATABASE_URL": database_url}
    async with database.transaction() as session:
        first, _ = await create_organization(session, "First")
    assert _command(environment, "limit", str(first.id), "shortest_loop", "PT5M") == "shortest_loop=PT5M\n"
    assert _command(environment, "limit", str(first.id), "contents", "7") == "contents=7  shortest_loop=PT5M\n"
    async with database.transaction() as session:
        own = (await session.get_one(Organization, first.id)).limits
    limits = Limits.of(Settings(_env_file=None), own)
    assert (limits.contents, limits.shortest_loop, limits.contents_per_day) == (7, timedelta(minutes=5), 10_000)
    for name, value in (("contents", "many"), ("contents", "0.5"), ("nonsense", "1")):
        assert _run(environment, "limit", str(first.id), name, value).returncode == 1
    assert _command(environment, "limit", str(first.id), "contents", "default") == "shortest_loop=PT5M\n"
    shown = _command(environment, "limit", str(first.id))
    assert "shortest_loop=PT5M (its own)" in shown.splitlines()
    assert "contents=1000000" in shown.splitlines()
    assert _run(environment, "limit", str(first.id), "contents").returncode == 2


def test_what_a_caller_of_the_api_can_mend_is_one_sentence_here_too() -> None:
    assert sentence(Conflict(ConflictCode.TOO_MANY_API_KEYS, "Revoke one first.")) == "Revoke one first."


def _command(environment: dict[str, str], *words: str) -> str:
    done = _run(environment, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """As in a process that has nothing but `environment`. In a thread, because commands begin event loops of their own."""
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, nothing_set_but(**environment), clear=True),
        patch.object(sys, "argv", ["./linkwake", *words]),
        redirect_stdout(out),
        redirect_stderr(err),
        ThreadPoolExecutor(1) as thread,
    ):
        status = thread.submit(cli.main).result()
    return subprocess.CompletedProcess([*words], status, out.getvalue(), err.getvalue())
