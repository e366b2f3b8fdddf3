"""Commands for channels: `./linkwake channels ORGANIZATION`, and `./linkwake channel` with create, change, test, check, pause,
resume or archive.

A secret never stands in an argument, because every user of the machine can read the arguments of a process.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli_operator import Json, in_transaction, known_organization, with_database

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from models.channels.channel import Channel
    from models.database import Database
    from services.channels.base import Outside
    from settings import Settings

channel = typer.Typer(help="Channels: who sends an organization's messages.", no_args_is_help=True)

Organization = Annotated[str, typer.Argument(metavar="ORGANIZATION", help="Its id: ./linkwake organizations lists them.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="What steps and campaigns call the channel.")]
Config = Annotated[str, typer.Option(help="A file with the settings as a JSON object; - reads them from the standard input.")]
FromFile = Annotated[
    list[str], typer.Option("--secret-file", metavar="FIELD=PATH", help="Reads a secret from a file; can be given several times.")
]
FromEnvironment = Annotated[
    list[str],
    typer.Option("--secret-env", metavar="FIELD=VARIABLE", help="Reads a secret from an environment variable; several times."),
]
NONE: list[str] = []


def channels(organization: Organization, as_json: Json = False) -> None:
    """List the channels of an organization, whether each is paused, and what its last test found."""
    found = asyncio.run(in_transaction(_settings(), lambda session: _listed(session, organization)))
    for line in [json.dumps(found, indent=2)] if as_json else ["  ".join(map(str, each.values())) for each in found]:
        print(line)


@channel.command()
def create(
    organization: Organization,
    name: Name,
    kind: Annotated[str, typer.Argument(help="Such as smtp, twilio or http.")],
    medium: Annotated[str, typer.Option(help="sms or email; needed where the kind can do both.")] = "",
    config: Config = "",
    secret_file: FromFile = NONE,
    secret_env: FromEnvironment = NONE,
) -> None:
    """Create a channel. Nothing is sent: test it afterwards."""
    given = _given(config, secret_file, secret_env)
    body = {"name": name, "kind": kind, "config": given} | ({"medium": medium} if medium else {})
    print(asyncio.run(with_database(_settings(), lambda database: _create(database, organization, body))))


@channel.command()
def change(
    organization: Organization,
    name: Name,
    config: Config = "",
    secret_file: FromFile = NONE,
    secret_env: FromEnvironment = NONE,
) -> None:
    """Change those settings that are given. null removes one; secrets that are not given stay."""
    given = _given(config, secret_file, secret_env)
    asyncio.run(with_database(_settings(), lambda database: _change(database, organization, name, given)))
    print(f"{name} has the new settings. Test it with: ./linkwake channel test {organization} {name} ADDRESS")


@channel.command()
def test(organization: Organization, name: Name, to_address: str) -> int:
    """Send one message to an address of yours and show each step. The status is 1 when one has failed."""
    steps = asyncio.run(with_database(_settings(), lambda database: _test(database, organization, name, to_address)))
    for step in steps:
        print(f"{'ok    ' if step.ok else 'failed'}  {step.name}  {step.detail or step.error or ''}".rstrip())
    return int(not all(step.ok for step in steps))


@channel.command()
def check(organization: Organization, name: Name) -> int:
    """Look at what others see of it, such as its DNS records. The status is 1 when something has to be corrected."""
    found = asyncio.run(with_database(_settings(), lambda database: _check(database, organization, name)))
    for each in found:
        print(f"{'ok    ' if each.ok else 'failed'}  {each.name}  {each.detail}")
        if each.publish:
            print(f"        publish: {each.publish}")
    if not found:
        print("A channel of this kind has nothing to check.")
    return int(not all(each.ok for each in found))


@channel.command()
def pause(
    organization: Organization,
    name: Name,
    reason: Annotated[str, typer.Option(help="Shown to whoever wonders why nothing is sent.")] = "Somebody paused it.",
) -> None:
    """Send nothing by it until it is resumed. Whatever would be sent waits."""
    from services.channels.pause import pause_channel

    async def hold(session: "AsyncSession", row: "Channel") -> str:
        return "is paused now." if await pause_channel(session, row.id, reason) else f"was paused before: {row.pause_reason}"

    print(f"{name} {_at(organization, name, hold)}")


@channel.command()
def resume(organization: Organization, name: Name) -> None:
    """Send by it again. Whoever waits for it goes on within five minutes."""
    from services.channels.pause import resume_channel

    async def free(session: "AsyncSession", row: "Channel") -> str:
        await resume_channel(session, row)
        await _record(session, row, "resume")
        return "sends again."

    print(f"{name} {_at(organization, name, free)}")


@channel.command()
def archive(organization: Organization, name: Name) -> None:
    """Send nothing by it any more, for ever. What would be sent by it is skipped."""
    from models.base import now
    from services.channels.pause import resume_channel

    async def end(session: "AsyncSession", row: "Channel") -> str:
        row.archived_at = now()
        await session.flush()
        await resume_channel(session, row)
        await _record(session, row, "archive")
        return "is archived."

    print(f"{name} {_at(organization, name, end)}")


def _given(config: str, files: list[str], variables: list[str]) -> dict[str, Any]:
    """Reads the settings and the secrets. Raises WrongUse, whose text quotes no value."""
    from stack.environment import named_variable
    from stack.errors import WrongUse

    try:
        text = sys.stdin.read() if config == "-" else Path(config).read_text() if config else "{}"
        given = json.loads(text)
        for name, path in map(_pair, files):
            given[name] = Path(path).read_text().strip()
    except OSError as error:
        raise WrongUse(f"{error.filename} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError):
        raise WrongUse('The settings have to be one JSON object, such as {"host": "mail.example.com"}.') from None
    for name, variable in map(_pair, variables):
        given[name] = named_variable(variable)
        if given[name] is None:
            raise WrongUse(f"The environment has no variable {variable}.")
    return dict(given)


def _pair(text: str) -> tuple[str, str]:
    from stack.errors import WrongUse

    name, equals, place = text.partition("=")
    if not (name and equals and place):
        raise WrongUse("Write FIELD=PATH or FIELD=VARIABLE, such as password=/run/secrets/smtp.")
    return name, place


def _at(organization: str, name: str, work: "Callable[[AsyncSession, Channel], Awaitable[str]]") -> str:
    async def within(session: "AsyncSession") -> str:
        return await work(session, await _find(session, organization, name, lock=True))

    return asyncio.run(in_transaction(_settings(), within))


async def _find(session: "AsyncSession", organization: str, name: str, *, lock: bool = False) -> "Channel":
    """Raises StackError when there is no such channel, or it is archived."""
    from models.channels.channel import channels_by_name, get_channel
    from stack.errors import StackError

    org_id = await known_organization(session, organization)
    found = (await channels_by_name(session, org_id)).get(name)
    if found is None:
        raise StackError(f"There is no channel {name}: ./linkwake channels {organization} lists them.")
    if found.archived_at is not None:
        raise StackError(f"{name} is archived: create another channel.")
    return await get_channel(session, org_id, found.id, lock=lock)


async def _listed(session: "AsyncSession", organization: str) -> list[dict[str, Any]]:
    from models.channels.channel import list_channels

    rows = await list_channels(session, await known_organization(session, organization))
    return [{"id": str(row.id), "name": row.name, "kind": row.kind, "medium": row.medium, "state": _state(row)} for row in rows]


def _state(row: "Channel") -> str:
    if row.archived_at is not None:
        return "archived"
    if row.paused_at is not None:
        return f"paused: {row.pause_reason}"
    return f"test failed: {row.test_error}" if row.test_error else "sends"


async def _create(database: "Database", organization: str, body: dict[str, Any]) -> str:
    from pydantic import TypeAdapter, ValidationError

    from api.channels.bodies import AnyChannelCreate
    from models.base import new_id
    from models.channels.channel import Channel, add_channel
    from models.errors import Conflict
    from models.field_errors import field_errors
    from services.channels.configure import write_config
    from stack.errors import StackError

    async with database.transaction() as session:
        org_id = await known_organization(session, organization)
    try:
        wanted: Any = TypeAdapter(AnyChannelCreate).validate_python(body)
    except ValidationError as error:
        listed = error.errors(include_input=False, include_url=False)
        found = field_errors([{**each, "loc": ("body", *each["loc"])} for each in listed])
        raise StackError("\n".join(f"{each.field}: {each.message}" for each in found)) from None
    row = Channel(id=new_id(), org_id=org_id, name=wanted.name, kind=wanted.kind, medium=wanted.medium)
    await _refuse(database, row, wanted.config)
    write_config(row, wanted.config, _secrets())
    try:
        async with database.transaction() as session:
            await add_channel(session, row)
            await _record(session, row, "create")
    except Conflict as error:
        raise StackError(error.detail) from None
    return str(row.id)


async def _change(database: "Database", organization: str, name: str, given: dict[str, Any]) -> None:
    from models.errors import Invalid
    from services.channels.configure import changed_config, write_config
    from stack.errors import StackError

    async with database.transaction() as session:
        row = await _find(session, organization, name)
    try:
        await _refuse(database, row, changed_config(row, given, _secrets()))
    except Invalid as error:
        raise StackError("\n".join(f"{each.field}: {each.message}" for each in error.errors)) from None
    async with database.transaction() as session:
        row = await _find(session, organization, name, lock=True)
        write_config(row, changed_config(row, given, _secrets()), _secrets())
        await _record(session, row, "change")


async def _refuse(database: "Database", row: "Channel", config: Any) -> None:
    from services.channels.configure import config_errors
    from services.judging.judge import Judge
    from stack.errors import StackError

    judge = Judge()
    try:
        errors = await config_errors(row, config, _outside(database), judge)
    finally:
        await judge.close()
    if errors:
        raise StackError("\n".join(f"{each.field}: {each.message}" for each in errors))


async def _test(database: "Database", organization: str, name: str, to_address: str) -> list[Any]:
    from models.base import now
    from models.errors import Invalid
    from models.texts.text import cut
    from services.channels.try_out import test_channel, tested_address
    from stack.errors import StackError

    async with database.transaction() as session:
        row = await _find(session, organization, name)
    try:
        address = tested_address(row.medium, to_address)
    except Invalid as error:
        raise StackError(error.detail) from None
    steps = await test_channel(row, address, _outside(database), _secrets())
    failed = next((step for step in steps if not step.ok), None)
    async with database.transaction() as session:
        row = await _find(session, organization, name, lock=True)
        row.tested_at, row.test_error = now(), cut(f"{failed.name}: {failed.error}") if failed else None
        await _record(session, row, "test")
    return steps


async def _check(database: "Database", organization: str, name: str) -> list[Any]:
    from services.channels.try_out import check_channel

    async with database.transaction() as session:
        row = await _find(session, organization, name)
    return list(await check_channel(row, _outside(database), _secrets()))


async def _record(session: "AsyncSession", row: "Channel", what: str) -> None:
    from models.organizations.audit_log import record

    record(session, row.org_id, f"channels.{what}", "channel", str(row.id))


def _outside(database: "Database") -> "Outside":
    from services.channels.base import Outside
    from services.way_out.way_out import WayOut

    settings = _settings()
    return Outside(database, WayOut(local=settings.allow_local_addresses), settings)


def _secrets() -> Any:
    from services.secrets.secrets import Secrets

    return Secrets(_settings().effective_secret_keys)


def _settings() -> "Settings":
    from settings import Settings

    return Settings()
