"""The command line of Linkwake. Each command imports what it needs inside its function, so that `--help` is quick."""

import asyncio
import importlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from cli_channels import channel, channels
from cli_keys import encrypt_again, rotate_secret_key, rotate_token_key
from cli_operator import domains, in_transaction, known_organization, limit, sign_in, with_database

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from models.database import Database
    from models.reconcile.reconcile import Reconciliation
    from settings import Settings

ROOT = Path(__file__).resolve().parent
T = TypeVar("T")
PASS_ON: dict[str, Any] = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}

app = typer.Typer(
    help="A click wakes a workflow: campaigns and sequences with tracked links.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.add_typer(domains, name="link-domain")
app.add_typer(channel, name="channel")
app.command()(channels)
app.command("sign-in")(sign_in)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
Clicks = Annotated[
    int | None, typer.Option("--clicks", min=1_000, help="How many clicks, for the benchmarks that make as many as one wants.")
]
Coverage = Annotated[bool, typer.Option("--coverage", help="Measure branch coverage, which has a floor for all tests together.")]


@app.command()
def up() -> int:
    """Start everything on this machine and stay until Ctrl-C."""
    from models.wire.names import SEARCH_ATTRIBUTES
    from stack.up import run

    return run(_settings(), SEARCH_ATTRIBUTES)


@app.command()
def demo(as_json: Json = False) -> int:
    """Run the whole story with 200 contacts and check every number."""
    _settings()
    return int(importlib.import_module("demo.story").main(as_json))


@app.command("try")
def try_it(as_json: Json = False) -> int:
    """Send one message on the running stack, wait for a click on its link and show what the workflow does next."""
    _settings()
    return int(importlib.import_module("demo.try_it").main(as_json))


@app.command("test", context_settings=PASS_ON)
def run_tests(context: typer.Context, coverage: Coverage = False) -> int:
    """Run the tests, all of them in several processes; arguments go to pytest, which then runs in one."""
    # Each process has servers of its own, and one process more than there are cores works while others wait for a kill or a
    # timer. Tests are distributed by file (tests/by_file.py).
    everything = ["-n", str(min(4, (os.cpu_count() or 1) + 1)), "--dist", "loadfile", "--no-loadscope-reorder"]
    from stack.children.processes import tethered

    measured = ["--cov", *(["--cov-fail-under=0"] if context.args else [])] if coverage else []  # the floor is in pyproject.toml
    command = tethered([sys.executable, "-m", "pytest", *measured, *(context.args or everything)], signal.SIGTERM)
    return subprocess.run(command, cwd=ROOT).returncode  # noqa: S603 - our own command


@app.command()
def check() -> int:
    """Check the code: lint, formatting and types."""
    tools = (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy", "."])
    statuses = [_run_module(*tool) for tool in tools]
    return int(any(statuses))


@app.command()
def bench(name: str, as_json: Json = False, clicks: Clicks = None) -> int:
    """Run a benchmark: the name is a module of bench/."""
    from stack.named_modules import run_named

    return run_named("bench", name, as_json, {} if clicks is None else {"clicks": clicks})


@app.command()
def drill(name: str, as_json: Json = False) -> int:
    """Break something on purpose and watch it recover: the name is a module of drills/."""
    from stack.named_modules import run_named

    return run_named("drills", name, as_json)


@app.command()
def worker() -> None:
    """Role: run workflows and activities."""
    settings = _role("worker")
    from stack.children.priority import step_back

    step_back(os.getpid(), settings.worker_niceness)
    import worker as role
    from models.wire.names import WORKFLOW_QUEUE
    from stack.roles.worker_role import run
    from temporal_client import connect

    run(role.main, lambda: connect(settings), WORKFLOW_QUEUE, settings.var_dir)


@app.command()
def api() -> None:
    """Role: serve the JSON API and the console."""
    settings = _role("api")
    from stack.roles.serve import serve

    serve("console.app:create_app", ("API_PORT", settings.api_host, settings.api_port), settings)


@app.command()
def redirect() -> None:
    """Role: serve tracked links."""
    settings = _role("redirect")
    from granian.constants import Interfaces

    from stack.roles.serve import serve

    port = ("REDIRECT_PORT", settings.redirect_host, settings.redirect_port)
    serve("api.redirect.app:create_app", port, settings, Interfaces.RSGI)


@app.command()
def bounces() -> None:
    """Role: take bounces, complaints and unsubscribe mails, by a mail server of its own and from a mailbox."""
    settings = _role("bounces")
    import bounces as role

    asyncio.run(role.main(settings))


@app.command()
def migrate(
    first: Annotated[
        str,
        typer.Option("--first-organization", metavar="NAME", help="When there is no organization: create it, print it as JSON."),
    ] = "",
) -> None:
    """Bring the database's tables and Temporal's search attributes up to date."""
    settings = _settings()
    _upgrade(settings.effective_database_url)
    asyncio.run(_register(settings))
    if first and (created := asyncio.run(in_transaction(settings, lambda session: _create_first(session, first)))):
        print(json.dumps(created))


@app.command()
def organization(
    name: str,
    as_json: Json = False,
) -> None:
    """Create an organization and print its id and its API key, which is shown only this once."""
    created = asyncio.run(in_transaction(_settings(), lambda session: _create_organization(session, name)))
    print(json.dumps(created) if as_json else f"Organization  {created['id']}\nAPI key       {created['api_key']}")


@app.command()
def organizations(as_json: Json = False) -> None:
    """List the organizations: id and name."""
    found = asyncio.run(in_transaction(_settings(), _list_organizations))
    lines = [json.dumps(found, indent=2)] if as_json else [f"{each['id']}  {each['name']}" for each in found]
    for line in lines:
        print(line)


@app.command()
def key(
    organization_id: str,
    role: Annotated[str, typer.Option(help="What the key may do: viewer, sender, editor or owner.")] = "owner",
    name: Annotated[
        str, typer.Option(help="What the key is called in lists, such as the program that uses it.")
    ] = "command line",
    expires: Annotated[str, typer.Option(help="When it stops working, such as 2027-12-31T00:00:00Z; without it, never.")] = "",
    as_json: Json = False,
) -> None:
    """Make a new API key for an organization. It is shown only this once, and the organization's other keys keep working."""
    text = asyncio.run(in_transaction(_settings(), lambda session: _create_key(session, organization_id, role, name, expires)))
    print(json.dumps({"organization_id": organization_id, "api_key": text}) if as_json else f"API key       {text}")


app.command()(limit)
app.command("rotate-token-key")(rotate_token_key)
app.command("rotate-secret-key")(rotate_secret_key)
app.command("encrypt-again")(encrypt_again)


@app.command()
def click(url: str, as_json: Json = False) -> None:
    """Open a tracked link of this stack as a browser would. It counts as a click of the message's contact."""
    from stack.click import click as opened

    found = opened(_settings(), url)
    print(json.dumps(found._asdict()) if as_json else found)


@app.command()
def reconcile(
    repair: Annotated[
        bool, typer.Option("--repair", help="Make the counters equal to the rows; recording and sending go on meanwhile.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Prove that the counters equal the rows they count. The status is 1 when they do not and --repair was not given."""
    found = asyncio.run(with_database(_settings(), lambda database: _reconcile(database, repair)))
    if as_json:
        print(json.dumps({"equal": found.equal, "repaired": repair and not found.equal, **asdict(found)}, default=str, indent=2))
    else:
        for each in found.differences:
            print(f"{each.table}  {_words(each.key)}  expected {_words(each.expected)}, found {_words(each.found)}")
        result = "equal" if found.equal else f"{found.different} rows differ" + (", repaired" if repair else "")
        print(", ".join(f"{table} {rows}" for table, rows in found.rows.items()) + f": {result}")
    return int(not found.equal and not repair)


def _settings() -> "Settings":
    """Returns the settings. Afterwards the environment holds nothing that a library would take for itself."""
    from settings import Settings
    from stack.environment import forget_foreign

    settings = Settings()
    forget_foreign(settings)
    return settings


def _role(name: str) -> "Settings":
    """Returns the settings of a role, whose log begins with this line."""
    import structlog

    from stack.private import write_privately
    from stack.roles.logs import configure

    write_privately()
    settings = _settings()
    configure(settings)
    structlog.get_logger().info("starting", role=name, pid=os.getpid())
    return settings


def _run_module(*command: str) -> int:
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT).returncode  # noqa: S603


def _upgrade(url: str) -> None:
    from alembic import command

    from migrations.config import alembic_config

    command.upgrade(alembic_config(url), "head")


async def _register(settings: "Settings") -> None:
    from services.search_attributes import register_search_attributes
    from temporal_client import connect

    await register_search_attributes(await connect(settings))
    await asyncio.sleep(0.05)  # a process that ends at once can abort in the client's threads


async def _create_first(session: "AsyncSession", name: str) -> dict[str, str] | None:
    from models.organizations.organization import any_organization

    return None if await any_organization(session) else await _create_organization(session, name)


async def _create_organization(session: "AsyncSession", name: str) -> dict[str, str]:
    from models.organizations.organization import create_organization
    from stack.errors import StackError

    if not _is_name(name):
        raise StackError("The organization needs a name that can be read, of 200 characters at most.")
    created, text = await create_organization(session, name)
    return {"id": str(created.id), "name": created.name, "api_key": text}


async def _list_organizations(session: "AsyncSession") -> list[dict[str, str]]:
    from models.organizations.organization import list_organizations

    return [{"id": str(each.id), "name": each.name} for each in await list_organizations(session)]


async def _create_key(
    session: "AsyncSession", organization_id: str, role: str, name: str = "command line", expires: str = ""
) -> str:
    from models.organizations.api_key import Role, create_api_key
    from models.organizations.audit_log import record
    from stack.errors import WrongUse

    if role not in list(Role):
        raise WrongUse(f"There is no role {role}: the roles are {', '.join(Role)}.")
    if not _is_name(name):
        raise WrongUse("The key needs a name that can be read, of 200 characters at most.")
    until = _moment(expires) if expires else None
    org_id = await known_organization(session, organization_id)
    made, text = await create_api_key(session, org_id, name, Role(role), until)
    record(session, org_id, "api_keys.create", "api_key", made.id)
    return text


def _is_name(text: str) -> bool:
    from pydantic import TypeAdapter, ValidationError

    from models.texts.text import Name

    try:
        TypeAdapter(Name).validate_python(text)
    except ValidationError:
        return False
    return True


def _moment(text: str) -> datetime:
    """Reads a time in the future. Raises WrongUse."""
    from stack.errors import WrongUse

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise WrongUse(f"{text} cannot be read: write a time with a zone, such as 2027-12-31T00:00:00Z.")
    if found <= datetime.now(UTC):
        raise WrongUse(f"{text} is past: write a later time.")
    return found


async def _reconcile(database: "Database", repair: bool) -> "Reconciliation":
    from models.reconcile import reconcile

    return await (reconcile.repair if repair else reconcile.compare)(database)


def _words(values: dict[str, Any] | None) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items()) if values else "nothing"


def main() -> int:
    """Runs a command. A failure that a person can do something about becomes one sentence on stderr and status 1, wrong use
    status 2."""
    from stack.failures import sentence
    from stack.roles.bytecode import keep_bytecode
    from stack.roles.garbage import collect_less

    collect_less()
    keep_bytecode()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name is shown on every terminal, as errors are on stderr
    os.chdir(ROOT)  # relative settings (VAR_DIR, .env) are relative to the project
    try:
        return int(app(standalone_mode=False, prog_name="./linkwake") or 0)
    except typer.Exit as done:
        return done.exit_code
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        text = sentence(error)
        if text is None:
            raise
        print(text, file=sys.stderr, end="\n" if text else "")
        return int(getattr(error, "exit_code", 1))


if __name__ == "__main__":
    sys.exit(main())
