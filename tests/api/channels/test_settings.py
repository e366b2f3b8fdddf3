"""Creating, changing and showing channels with settings and secrets.

The kind `simulator` has no settings, so these tests put a kind with settings of every form in its place.
"""

from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import Field, SecretStr
from sqlalchemy import text

from api.channels.bodies import create_body
from models.base import new_id
from models.channels.channel import Channel as ChannelRow
from models.channels.channel import ChannelKind, Medium, get_channel
from models.database import Database
from models.errors import FieldError, Invalid
from models.organizations.organization import Organization
from services.channels.base import ChannelType, Config, Host, Outside
from services.channels.configure import changed_config, config_errors, read_config, write_config
from services.channels.registry import CHANNEL_TYPES
from services.channels.simulator import Simulator
from services.judging.judge import Judge
from services.secrets.secrets import Secrets
from services.way_out.way_out import WayOut
from settings import Settings
from tests.builders import Caller


class Example(Config):
    host: str = Field(max_length=100)
    port: int = 25
    user: str | None = None
    password: SecretStr
    token: SecretStr | None = None
    headers: dict[str, SecretStr] = Field(default_factory=dict)

    SENT = frozenset({"password"})

    def hosts(self) -> Sequence[Host]:
        return [Host("host", self.host, self.port)]


async def _judge(_judge: Judge, _org_id: Any, config: Example) -> list[FieldError]:
    return [FieldError("config.user", "Nobody is called root.")] if config.user == "root" else []


EXAMPLE = ChannelType(
    ChannelKind.SIMULATOR,
    frozenset(Medium),
    Example,
    lambda configured, outside: Simulator(outside.database, configured.id),
    _judge,
)
GIVEN = {"host": "mail.example", "password": "swordfish"}


@pytest.fixture(autouse=True)
def example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHANNEL_TYPES, ChannelKind.SIMULATOR, EXAMPLE)


@pytest.fixture
async def channel(database: Database, organization: tuple[Organization, str], secrets: Secrets) -> ChannelRow:
    row = ChannelRow(id=new_id(), org_id=organization[0].id, name="news", kind=ChannelKind.SIMULATOR, medium=Medium.EMAIL)
    write_config(row, Example.model_validate(GIVEN), secrets)
    async with database.transaction() as session:
        session.add(row)
    return row


@pytest.fixture
def secrets(settings: Settings) -> Secrets:
    return Secrets(settings.effective_secret_keys)


async def test_a_change_that_is_wrong_names_its_fields_and_changes_nothing(api: Caller, channel: ChannelRow) -> None:
    before = (await api.get(f"/channels/{channel.id}")).json()
    wrong = {"config": {"host": None, "port": "many", "colour": "blue"}}
    answer = await api.patch(f"/channels/{channel.id}", json=wrong)
    assert answer.status_code == 422
    assert {each["field"] for each in answer.json()["errors"]} == {"config.host", "config.port", "config.colour"}
    assert (await api.get(f"/channels/{channel.id}")).json() == before


async def test_an_error_quotes_no_secret(api: Caller, channel: ChannelRow) -> None:
    answer = await api.patch(f"/channels/{channel.id}", json={"config": {"password": ["swordfish-in-a-list"], "port": 1}})
    assert answer.status_code == 422
    assert "swordfish" not in answer.text


async def test_a_kind_judges_its_settings_when_they_are_saved(api: Caller, channel: ChannelRow) -> None:
    answer = await api.patch(f"/channels/{channel.id}", json={"config": {"user": "root"}})
    assert [(each["field"], each["message"]) for each in answer.json()["errors"]] == [("config.user", "Nobody is called root.")]


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254"])
async def test_a_host_that_may_not_be_reached_cannot_be_saved(api: Caller, channel: ChannelRow, host: str) -> None:
    answer = await api.patch(f"/channels/{channel.id}", json={"config": {"host": host, "password": "again"}})
    assert [each["field"] for each in answer.json()["errors"]] == ["config.host"]


async def test_another_organization_finds_no_such_channel(stranger: Caller, channel: ChannelRow) -> None:
    path = f"/channels/{channel.id}"
    answers = [await stranger.get(path), await stranger.patch(path, json={"config": {}})]
    answers += [await stranger.post(f"{path}/{what}") for what in ("pause", "resume", "check", "archive")]
    answers.append(await stranger.post(f"{path}/test", json={"to_address": "a@b.example"}))
    assert {answer.status_code for answer in answers} == {404}


async def test_secrets_are_named_and_never_shown(api: Caller, channel: ChannelRow, database: Database) -> None:
    shown = (await api.get(f"/channels/{channel.id}")).json()
    assert (shown["config"], shown["secrets"]) == ({"host": "mail.example", "port": 25, "headers": {}}, ["password"])
    async with database.transaction() as session:
        rows = (await session.execute(text("SELECT channel::text, encode(secrets, 'escape') FROM channel"))).all()
    assert "swordfish" not in str(rows) + str(shown)


async def test_only_what_is_given_changes_and_null_removes(
    api: Caller, channel: ChannelRow, database: Database, secrets: Secrets
) -> None:
    first = {"user": "ada", "token": "t-1", "headers": {"X-Key": "k-1"}}
    shown = (await api.patch(f"/channels/{channel.id}", json={"config": first})).json()
    assert shown["secrets"] == ["headers", "password", "token"]
    assert shown["updated_at"] > channel.updated_at.isoformat()
    shown = (
        await api.patch(
            f"/channels/{channel.id}", json={"config": {"token": None, "user": None, "port": 465, "password": "swordfish"}}
        )
    ).json()
    assert (shown["config"], shown["secrets"]) == ({"host": "mail.example", "port": 465}, ["headers", "password"])
    async with database.transaction() as session:
        config = read_config(await get_channel(session, channel.org_id, channel.id), secrets).config
    assert (config.password.get_secret_value(), config.headers["X-Key"].get_secret_value()) == ("swordfish", "k-1")


async def test_secrets_whose_key_is_gone_have_to_be_written_again(channel: ChannelRow) -> None:
    others = Secrets([b"x" * 32])
    with pytest.raises(Invalid) as refused:
        changed_config(channel, {}, others)
    assert [(each.field, each.message) for each in refused.value.errors] == [("config.password", "This field is required.")]
    assert changed_config(channel, {"password": "again"}, others)


@pytest.mark.parametrize("given", [{"host": "echo.example"}, {"port": 26}])
async def test_a_new_host_gets_no_secret_that_was_given_for_another(
    channel: ChannelRow, secrets: Secrets, given: dict[str, Any]
) -> None:
    with pytest.raises(Invalid) as refused:
        changed_config(channel, given, secrets)
    assert [each.field for each in refused.value.errors] == ["config.password"]
    assert changed_config(channel, {**given, "password": "again"}, secrets)
    assert changed_config(channel, {"host": "mail.example", "user": "ada"}, secrets)


async def test_two_changes_at_once_are_not_mixed_into_settings_that_nobody_judged(
    api: Caller, channel: ChannelRow, database: Database, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def changed_meanwhile(*_: Any) -> list[FieldError]:
        async with database.transaction() as session:
            row = await get_channel(session, channel.org_id, channel.id, lock=True)
            write_config(row, Example.model_validate({**GIVEN, "user": "bob"}), secrets)
        return []

    monkeypatch.setattr("api.channels.routes.config_errors", changed_meanwhile)
    answer = await api.patch(f"/channels/{channel.id}", json={"config": {"token": "t-1"}})
    assert (answer.status_code, answer.json()["code"]) == (409, "channel_changed_meanwhile")
    assert (await api.get(f"/channels/{channel.id}")).json()["secrets"] == ["password"]


async def test_a_host_that_has_no_address_now_can_be_saved(channel: ChannelRow, database: Database, settings: Settings) -> None:
    outside = Outside(database, WayOut(local=True), settings)
    config = Example.model_validate({**GIVEN, "host": "nowhere.invalid"})
    assert await config_errors(channel, config, outside, Judge()) == []


def test_the_body_of_a_kind_has_its_settings_and_its_media() -> None:
    body = create_body(EXAMPLE)
    schema = body.model_json_schema()
    assert schema["properties"]["config"]["$ref"] == "#/$defs/Example"
    assert schema["$defs"]["Example"]["properties"]["password"]["writeOnly"] is True
    only_email = create_body(ChannelType(EXAMPLE.kind, frozenset({Medium.EMAIL}), Example, EXAMPLE.open))
    assert only_email.model_validate({"name": "news", "kind": "simulator", "config": GIVEN}).medium == Medium.EMAIL
