"""Commands for organizations that only whoever runs the server may use: `./linkwake link-domain …` and `./linkwake limit`."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from models.database import Database
    from settings import Settings

T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]

# The names are those of models/organizations/limits.py, which `--help` need not load.
LIMITS = ("active_enrollments", "messages_per_contact_and_day", "contents", "contents_per_day", "shortest_loop")

domains = typer.Typer(help="Link domains: whose links stand on which host.", no_args_is_help=True)


@domains.command("list")
def list_domains(as_json: Json = False) -> None:
    """List the link domains of all organizations."""
    found = asyncio.run(in_transaction(_settings(), _list_domains))
    lines = [json.dumps(found, indent=2)] if as_json else ["  ".join(each.values()) for each in found]
    for line in lines:
        print(line)


@domains.command()
def assign(organization_id: str, host: str) -> None:
    """Let an organization hold a link domain without a DNS record. Use it when you know that the domain is theirs."""
    settings, host = _settings(), _host(host)
    asyncio.run(in_transaction(settings, lambda session: _assign_domain(session, settings, organization_id, host)))
    print(f"{organization_id} holds {host} now, within a second on every redirect.")


@domains.command()
def release(host: str) -> None:
    """Take a link domain away. Its slugs stop answering; messages get the organization's other domain or the server's own."""
    host = _host(host)
    released = asyncio.run(in_transaction(_settings(), lambda session: _release_domain(session, host)))
    print(f"{host} was held by {released} and is free now.")


def limit(
    organization_id: str,
    name: Annotated[str, typer.Argument(help=f"One of: {', '.join(LIMITS)}. Without it, all limits are shown.")] = "",
    value: Annotated[str, typer.Argument(help="A number; seconds or an ISO 8601 duration for shortest_loop; or: default.")] = "",
) -> None:
    """Show the limits of an organization, or set one of them; docs/limits.md says what they mean."""
    if not name:
        for line in asyncio.run(in_transaction(_settings(), lambda session: _shown_limits(session, organization_id))):
            print(line)
        return
    if not value:
        raise typer.BadParameter(f"write a value behind {name}, or: default", param_hint="'value'")
    limits = asyncio.run(in_transaction(_settings(), lambda session: _set_limit(session, organization_id, name, value)))
    print("  ".join(f"{each}={value}" for each, value in sorted(limits.items())) or "The organization has no limits of its own.")


def sign_in(
    organization_id: Annotated[str, typer.Argument(help="Without it: the oldest organization.")] = "",
) -> None:
    """Print a link that signs in to the console once, as the oldest live owner key of an organization, within half an hour."""
    print(asyncio.run(in_transaction(_settings(), lambda session: _sign_in_link(session, organization_id))))


async def _sign_in_link(session: "AsyncSession", organization_id: str) -> str:
    from models.organizations.audit_log import record
    from models.organizations.console_session import make_sign_in_link
    from models.organizations.organization import list_organizations
    from stack.errors import StackError

    all_of_them = await list_organizations(session)
    org_id = await known_organization(session, organization_id) if organization_id else all_of_them[0].id if all_of_them else None
    if org_id is None:
        raise StackError("There is no organization: ./linkwake organization NAME makes one.")
    code = await make_sign_in_link(session, org_id)
    if code is None:
        raise StackError(f"Organization {org_id} has no live owner key: ./linkwake key {org_id} makes one.")
    record(session, org_id, "sign_in_links.create", "organization", str(org_id))
    return f"{_settings().effective_console_url}/sign-in/{code}"


async def with_database(settings: "Settings", work: Callable[["Database"], Awaitable[T]]) -> T:
    from models.database import Database

    database = Database(settings.effective_database_url, pool_size=1)
    try:
        return await work(database)
    finally:
        await database.close()


async def in_transaction(settings: "Settings", work: Callable[["AsyncSession"], Awaitable[T]]) -> T:
    async def within(database: "Database") -> T:
        async with database.transaction() as session:
            return await work(session)

    return await with_database(settings, within)


async def known_organization(session: "AsyncSession", organization_id: str) -> "UUID":
    from models.organizations.organization import list_organizations
    from stack.errors import StackError

    found = [each.id for each in await list_organizations(session) if str(each.id) == organization_id.lower()]
    if not found:
        raise StackError(f"There is no organization {organization_id}: ./linkwake organizations lists them.")
    return found[0]


def _host(text: str) -> str:
    from stack.errors import StackError
    from tracking.links.hosts import named_host

    try:
        return named_host(text)
    except ValueError as error:
        raise StackError(str(error)) from None


async def _shown_limits(session: "AsyncSession", organization_id: str) -> list[str]:
    from models.organizations.limits import Limits
    from models.organizations.organization import Organization

    row = await session.get_one(Organization, await known_organization(session, organization_id))
    limits = Limits.of(_settings(), row.limits).model_dump(mode="json")
    return [f"{name}={value}{' (its own)' if name in row.limits else ''}" for name, value in limits.items()]


async def _set_limit(session: "AsyncSession", organization_id: str, name: str, value: str) -> dict[str, Any]:
    from pydantic import ValidationError

    from models.organizations.audit_log import record
    from models.organizations.limits import Limits
    from models.organizations.organization import Organization
    from stack.errors import StackError

    if name not in Limits.model_fields:
        raise StackError(f"There is no limit {name}; the limits are: {', '.join(Limits.model_fields)}.")
    org_id = await known_organization(session, organization_id)
    row = await session.get_one(Organization, org_id, with_for_update={"key_share": True})
    own = {key: kept for key, kept in row.limits.items() if key != name}
    if value != "default":
        own[name] = int(value) if value.isdecimal() else value
    try:
        Limits.of(_settings(), own)
    except ValidationError:
        raise StackError(f"{value} is not a value of {name}: write a whole number, or a duration for shortest_loop.") from None
    row.limits = own
    record(session, org_id, "organization.limit", "organization", str(org_id))
    return own


async def _list_domains(session: "AsyncSession") -> list[dict[str, str]]:
    from models.organizations.link_domain import all_domains

    rows = await all_domains(session)
    return [{"host": row.host, "organization_id": str(row.org_id), "proof": row.proof or "not proven"} for row in rows]


async def _assign_domain(session: "AsyncSession", settings: "Settings", organization_id: str, host: str) -> None:
    from models.organizations.audit_log import record
    from models.organizations.link_domain import Proof, claim_domain, hold_domain
    from services.link_domains.usable_link_domains import reserved_error
    from stack.errors import StackError

    org_id = await known_organization(session, organization_id)
    if error := reserved_error(settings, host, "host"):
        raise StackError(error.message)
    await hold_domain(session, await claim_domain(session, org_id, host), Proof.OPERATOR)
    record(session, org_id, "link_domains.assign", "link_domain", host)


async def _release_domain(session: "AsyncSession", host: str) -> str:
    from models.organizations.audit_log import record
    from models.organizations.link_domain import holder_of, take_domain_away
    from stack.errors import StackError

    domain = await holder_of(session, host)
    if domain is None:
        raise StackError(f"Nobody holds {host}: ./linkwake link-domain list shows what is held.")
    await take_domain_away(session, domain)
    record(session, domain.org_id, "link_domains.release", "link_domain", host)
    return str(domain.org_id)


def _settings() -> "Settings":
    from settings import Settings

    return Settings()
