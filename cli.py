"""The command line of Linkwake. Imports what a command needs inside the command, so that `--help` is quick."""

import asyncio
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from models.reconcile import Reconciliation
    from settings import Settings

ROOT = Path(__file__).resolve().parent
T = TypeVar("T")
PASS_ON: dict[str, Any] = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}

app = typer.Typer(
    help="A click wakes a workflow: campaigns and sequences with tracked links.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]


@app.command()
def up() -> int:
    """Start everything on this machine and stay until Ctrl-C."""
    from models.wire import SEARCH_ATTRIBUTES
    from stack.up import run

    return run(_settings(), SEARCH_ATTRIBUTES)


@app.command()
def demo(as_json: Json = False) -> int:
    """Run the whole story with 200 contacts and check every number."""
    return int(importlib.import_module("demo.story").main(as_json))


@app.command(context_settings=PASS_ON)
def test(context: typer.Context) -> int:
    """Run the tests, all of them in several processes; arguments go to pytest, which then runs in one."""
    # Each process has servers of its own, and one more than there are cores works while others wait for a kill or a timer.
    # By file, because what a file's tests share is made once.
    everything = ["-n", str(min(4, (os.cpu_count() or 1) + 1)), "--dist", "loadfile", "--no-loadscope-reorder"]
    return subprocess.run([sys.executable, "-m", "pytest", *(context.args or everything)], cwd=ROOT).returncode  # noqa: S603


@app.command()
def check() -> int:
    """Lint, formatting and types."""
    tools = (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy", "."])
    statuses = [_run_module(*tool) for tool in tools]
    return int(any(statuses))


@app.command()
def bench(name: str, as_json: Json = False) -> int:
    """Measure: the name is a module of bench/."""
    return _run_named("bench", name, as_json)


@app.command()
def drill(name: str, as_json: Json = False) -> int:
    """Break something on purpose and watch it heal: the name is a module of drills/."""
    return _run_named("drills", name, as_json)


@app.command()
def worker() -> None:
    """Role: run workflows and activities."""
    settings = _role("worker")
    from stack.priority import step_back

    step_back(os.getpid(), settings.worker_niceness)
    import worker as role
    from models.wire import WORKFLOW_QUEUE
    from stack.worker_role import run
    from temporal_client import connect

    run(role.main, lambda: connect(settings), WORKFLOW_QUEUE, settings.var_dir)


@app.command()
def api() -> None:
    """Role: serve the JSON API."""
    settings = _role("api")
    from stack.serve import serve

    serve("api.app:create_app", ("API_PORT", settings.api_host, settings.api_port), settings)


@app.command()
def redirect() -> None:
    """Role: serve tracked links."""
    settings = _role("redirect")
    from granian.constants import Interfaces

    from stack.serve import serve

    port = ("REDIRECT_PORT", settings.redirect_host, settings.redirect_port)
    serve("api.redirect.app:create_app", port, settings, Interfaces.RSGI)


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
    if first and (created := asyncio.run(_in_transaction(settings, lambda session: _create_first(session, first)))):
        print(json.dumps(created))


@app.command("rotate-token-key")
def rotate_token_key(
    drop_oldest: Annotated[
        bool, typer.Option("--drop-oldest", help="When there are two keys already: links of the older one stop working for ever.")
    ] = False,
) -> None:
    """Put a new key for link tokens in front; links of the old one keep working. For the embedded stack."""
    from stack.errors import StackError
    from stack.state import rotate_token_key as rotate

    settings = _settings()
    if settings.token_keys:
        raise StackError("TOKEN_KEYS is set: put a new key in front there (openssl rand -hex 32), see docs/tokens.md.")
    count = rotate(settings.var_dir, drop_oldest)
    print(f"{settings.var_dir / 'token_keys'} holds {count} keys now, the new one first. Restart ./linkwake up to use it.")


@app.command()
def organization(
    name: str,
    as_json: Json = False,
) -> None:
    """Create an organization; prints its id and its API key, which is shown only this once."""
    created = asyncio.run(_in_transaction(_settings(), lambda session: _create_organization(session, name)))
    print(json.dumps(created) if as_json else f"Organization  {created['id']}\nAPI key       {created['api_key']}")


@app.command()
def organizations(as_json: Json = False) -> None:
    """List the organizations: id and name."""
    found = asyncio.run(_in_transaction(_settings(), _list_organizations))
    lines = [json.dumps(found, indent=2)] if as_json else [f"{each['id']}  {each['name']}" for each in found]
    for line in lines:
        print(line)


@app.command()
def key(organization_id: str, as_json: Json = False) -> None:
    """Make a new API key for an organization; it is shown only this once, and the others keep working."""
    text = asyncio.run(_in_transaction(_settings(), lambda session: _create_key(session, organization_id)))
    print(json.dumps({"organization_id": organization_id, "api_key": text}) if as_json else f"API key       {text}")


@app.command()
def reconcile(
    repair: Annotated[
        bool, typer.Option("--repair", help="Make the counters equal to the rows; recording waits meanwhile.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Prove that the click counters equal the click rows; status 1 when they do not and --repair was not given."""
    found = asyncio.run(_in_transaction(_settings(), lambda session: _reconcile(session, repair)))
    if as_json:
        print(json.dumps({"equal": found.equal, "repaired": repair and not found.equal, **asdict(found)}, default=str, indent=2))
    else:
        for each in found.differences:
            print(f"{each.table}  {_words(each.key)}  expected {_words(each.expected)}, found {_words(each.found)}")
        result = "equal" if found.equal else f"{found.different} rows differ" + (", repaired" if repair else "")
        print(f"{found.clicks} clicks, {found.cells} cells, {found.people} people: {result}")
    return int(not found.equal and not repair)


def _settings() -> "Settings":
    from settings import Settings

    return Settings()


def _role(name: str) -> "Settings":
    """Settings of a role; its log begins with this line."""
    import structlog

    from stack.logs import configure

    settings = _settings()
    configure(settings)
    structlog.get_logger().info("starting", role=name, pid=os.getpid())
    return settings


def _run_module(*command: str) -> int:
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT).returncode  # noqa: S603


def _run_named(package: str, name: str, as_json: bool) -> int:
    """The script `linkwake` says the same before it installs anything."""
    known = sorted(path.stem for path in (ROOT / package).glob("*.py") if not path.stem.startswith("_"))
    if name not in known:
        choices = f"the names are: {', '.join(known)}" if known else "there are none yet"
        from stack.errors import WrongUse

        raise WrongUse(f"No such name in {package}/: {name}; {choices}.")
    return int(importlib.import_module(f"{package}.{name}").main(as_json))


def _upgrade(url: str) -> None:
    from alembic import command

    from migrations.config import alembic_config

    command.upgrade(alembic_config(url), "head")


async def _register(settings: "Settings") -> None:
    """Add the search attributes that the namespace lacks."""
    from temporalio.api.enums.v1 import IndexedValueType
    from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest

    from models.wire import SEARCH_ATTRIBUTES
    from temporal_client import connect

    client = await connect(settings)
    operator, namespace = client.operator_service, settings.effective_temporal_namespace
    listed = await operator.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))
    missing = dict.fromkeys({*SEARCH_ATTRIBUTES} - {*listed.custom_attributes}, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD)
    if missing:
        await operator.add_search_attributes(AddSearchAttributesRequest(namespace=namespace, search_attributes=missing))
    await asyncio.sleep(0.05)  # a process that ends at once can abort in the client's threads


async def _in_transaction(settings: "Settings", work: Callable[["AsyncSession"], Awaitable[T]]) -> T:
    from models.database import Database

    database = Database(settings.effective_database_url, pool_size=1)
    try:
        async with database.transaction() as session:
            return await work(session)
    finally:
        await database.close()


async def _create_first(session: "AsyncSession", name: str) -> dict[str, str] | None:
    from models.organization import any_organization

    return None if await any_organization(session) else await _create_organization(session, name)


async def _create_organization(session: "AsyncSession", name: str) -> dict[str, str]:
    from pydantic import TypeAdapter, ValidationError

    from models.organization import create_organization
    from models.text import Name
    from stack.errors import StackError

    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError:
        raise StackError("The organization needs a name that can be read, of 200 characters at most.") from None
    created, text = await create_organization(session, name)
    return {"id": str(created.id), "name": created.name, "api_key": text}


async def _list_organizations(session: "AsyncSession") -> list[dict[str, str]]:
    from models.organization import list_organizations

    return [{"id": str(each.id), "name": each.name} for each in await list_organizations(session)]


async def _create_key(session: "AsyncSession", organization_id: str) -> str:
    from models.organization import create_api_key, list_organizations
    from stack.errors import StackError

    found = [each.id for each in await list_organizations(session) if str(each.id) == organization_id.lower()]
    if not found:
        raise StackError(f"There is no organization {organization_id}: ./linkwake organizations lists them.")
    return (await create_api_key(session, found[0], "command line"))[1]


async def _reconcile(session: "AsyncSession", repair: bool) -> "Reconciliation":
    from models import reconcile

    return await (reconcile.repair if repair else reconcile.compare)(session)


def _words(values: dict[str, Any] | None) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items()) if values else "nothing"


def main() -> int:
    """Run a command; a failure that a person can do something about becomes one sentence on stderr and status 1, wrong use
    status 2."""
    from stack.bytecode import keep_bytecode
    from stack.failures import sentence
    from stack.garbage import collect_less

    collect_less()
    keep_bytecode()
    os.chdir(ROOT)  # relative settings (VAR_DIR, .env) belong to the project
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
