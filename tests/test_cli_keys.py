"""Keys of stored secrets are rotated from the command line, and everything is encrypted again."""

import asyncio

import pytest
from sqlalchemy import text

import cli_keys
from models.base import new_id
from models.channels.channel import Channel, channels_by_name
from models.database import Database
from models.notifications.target import NotificationTarget
from models.organizations.audit_log import AuditFilter, audit_page
from models.organizations.organization import Organization
from models.paging import PageRequest
from services.channels.configure import secrets_place
from services.notifications.addresses import address_place
from services.secrets.secrets import Secrets, Undecipherable
from settings import Settings
from stack.errors import StackError

OLD, NEW = bytes([1]) * 32, bytes([2]) * 32


async def test_all_secrets_are_encrypted_again_with_the_newest_key(
    database: Database,
    organization: tuple[Organization, str],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = []
    async with database.transaction() as session:
        for number, key in enumerate([OLD, OLD, NEW]):
            target = NotificationTarget(
                id=new_id(), org_id=organization[0].id, name=f"T{number}", service="Slack", shown="slack://…"
            )
            places.append(address_place(target.org_id, target.id))
            target.address = Secrets([key]).encrypt(f"slack://{number}", places[-1])
            session.add(target)
        session.add(NotificationTarget(org_id=organization[0].id, name="gone", service="Slack", shown="slack://…"))
        channel = (await channels_by_name(session, organization[0].id))["simulator-sms"]
        channel.secrets = Secrets([OLD]).encrypt("{}", secrets_place(channel.org_id, channel.id))
    rotated = settings.model_copy(update={"secret_keys": None})
    rotated.__dict__["stack_state"] = {"secret_keys": f"{NEW.hex()},{OLD.hex()}"}
    monkeypatch.setattr(cli_keys, "_settings", lambda: rotated)
    for expected in ("3 secrets", "0 secrets"):
        await asyncio.to_thread(cli_keys.encrypt_again)
        assert capsys.readouterr().out.startswith(expected)
    async with database.transaction() as session:
        rows = (
            await session.execute(text("SELECT address FROM notification_target WHERE address IS NOT NULL ORDER BY name"))
        ).all()
    assert [Secrets([NEW]).decrypt(row.address, place) for row, place in zip(rows, places, strict=True)] == [
        "slack://0",
        "slack://1",
        "slack://2",
    ]
    async with database.transaction() as session:
        again = AuditFilter(action="secrets.encrypt_again")
        written = (await audit_page(session, organization[0].id, again, PageRequest()))[0]
    assert [(row.key_id, row.target_id) for row in written] == [(None, str(organization[0].id))]  # none when nothing was to do
    async with database.transaction() as session:
        stored = (await session.get_one(Channel, channel.id)).secrets
    assert Secrets([NEW]).decrypt(stored or b"", secrets_place(channel.org_id, channel.id)) == "{}"
    with pytest.raises(Undecipherable):
        Secrets([OLD]).decrypt(rows[0].address, places[0])


def test_keys_of_the_environment_are_rotated_there(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_keys, "_settings", lambda: settings)
    with pytest.raises(StackError, match="SECRET_KEYS is set"):
        cli_keys.rotate_secret_key()
