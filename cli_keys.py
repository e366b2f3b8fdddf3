"""Commands for the keys of links and secrets that only whoever runs the server may use: `./linkwake rotate-…` and
`./linkwake encrypt-again`."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from cli_operator import in_transaction

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from settings import Settings
    from stack.state import KeyFile

TWO_KEYS = "When there are two keys already:"


def rotate_token_key(
    drop_oldest: Annotated[
        bool, typer.Option("--drop-oldest", help=f"{TWO_KEYS} links of the older one stop working for ever.")
    ] = False,
) -> None:
    """Put a new key for link tokens in front; links of the old one keep working. For the embedded stack."""
    from stack.state import TOKEN_KEYS

    settings = _settings()
    _rotate(settings, TOKEN_KEYS, settings.token_keys is not None, drop_oldest, "docs/tokens.md")


def rotate_secret_key(
    drop_oldest: Annotated[
        bool, typer.Option("--drop-oldest", help=f"{TWO_KEYS} what the older one has encrypted cannot be read any more.")
    ] = False,
) -> None:
    """Put a new key for stored secrets in front; what the old one has encrypted can still be read. For the embedded stack."""
    from stack.state import SECRET_KEYS

    settings = _settings()
    _rotate(settings, SECRET_KEYS, settings.secret_keys is not None, drop_oldest, "docs/ops.md")


def encrypt_again() -> None:
    """Encrypt all stored secrets with the newest key, so that no older key is needed any more."""
    from models.channels.channel import channels_encrypted_otherwise, replace_secrets
    from models.notifications.target import encrypted_otherwise, replace_address
    from models.organizations.audit_log import record
    from services.channels.configure import secrets_place
    from services.notifications.addresses import address_place
    from services.secrets.secrets import Secrets

    settings = _settings()
    secrets = Secrets(settings.effective_secret_keys)

    async def again(session: "AsyncSession") -> int:
        rows = await encrypted_otherwise(session, secrets.newest)
        for row in rows:
            place = address_place(row.org_id, row.id)
            await replace_address(session, row.id, secrets.encrypt(secrets.decrypt(row.address or b"", place), place))
        channels = await channels_encrypted_otherwise(session, secrets.newest)
        for channel in channels:
            place = secrets_place(channel.org_id, channel.id)
            text = secrets.decrypt(channel.secrets or b"", place)
            await replace_secrets(session, channel.id, secrets.encrypt(text, place))
        for org_id in {row.org_id for row in rows} | {row.org_id for row in channels}:
            record(session, org_id, "secrets.encrypt_again", "organization", str(org_id))
        return len(rows) + len(channels)

    print(f"{asyncio.run(in_transaction(settings, again))} secrets were encrypted again; all are of the newest key now.")


def _rotate(settings: "Settings", file: "KeyFile", is_set: bool, drop_oldest: bool, page: str) -> None:
    from stack.errors import StackError

    if is_set:
        raise StackError(f"{file.name.upper()} is set: put a new key in front there (openssl rand -hex 32), see {page}.")
    count = file.rotate(settings.var_dir, drop_oldest)
    print(f"{settings.var_dir / file.name} holds {count} keys now, the new one first. Restart ./linkwake up to use it.")


def _settings() -> "Settings":
    from settings import Settings

    return Settings()
