"""The organization's settings."""

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from api.organization import OrganizationChange
from models.database import Database
from models.organization import create_organization
from settings import Settings
from tests.api.campaign_builders import fields, new_campaign
from tests.builders import Caller


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "\x00"}, "name"),
        ({"link_tracking": None}, "link_tracking"),
        ({"link_tracking": "no"}, "link_tracking"),
        ({"link_tracking_metadata": 0}, "link_tracking_metadata"),
        ({"time_zone": "Berlin"}, "time_zone"),
        ({"time_zone": "europe/berlin"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"time_zone": "localtime"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"link_domain": "go.example.com"}, "link_domain"),
        ({"link_domain": "ftp://go.example.com"}, "link_domain"),
        ({"link_domain": "https://"}, "link_domain"),
        ({"link_domain": "https://user@go.example.com"}, "link_domain"),
        ({"link_domain": "https://go.example.com/?a=b"}, "link_domain"),
        ({"link_domain": "https://go.example.com/#"}, "link_domain"),
        ({"link_domain": "https://go.example.com/links"}, "link_domain"),
        ({"link_domain": "javascript:alert(1)"}, "link_domain"),
        ({"link_domain": "https://" + "x" * 200 + ".example"}, "link_domain"),
        ({"link_domain": ""}, "link_domain"),
        ({"id": "x"}, "id"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        OrganizationChange.model_validate(change)
    assert [error["loc"] for error in refused.value.errors()] == [(field,)]


async def test_one_wrong_setting_changes_none(api: Caller) -> None:
    before = (await api.get("/organization")).json()
    answer = await api.patch("/organization", json={"name": "New", "time_zone": "Mars"})
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["time_zone"])
    assert (await api.get("/organization")).json() == before


async def test_tracking_is_on_by_default(api: Caller) -> None:
    settings = (await api.get("/organization")).json()
    assert (settings["link_tracking"], settings["link_tracking_metadata"]) == (True, True)
    assert (settings["link_domain"], settings["time_zone"]) == (None, "UTC")


async def test_only_what_is_given_changes(api: Caller) -> None:
    before = (await api.get("/organization")).json()
    change = {"link_tracking": False, "time_zone": "America/Sao_Paulo"}
    answer = await api.patch("/organization", json=change)
    assert answer.json() == {**before, **change} == (await api.get("/organization")).json()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://go.example.com", "https://go.example.com"),
        ("https://go.example.com/", "https://go.example.com"),
        ("http://LOCALHOST:8001/", "http://localhost:8001"),
        ("HTTPS://Go.Example.com:443", "https://go.example.com"),
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        (None, None),
    ],
)
def test_a_link_domain_is_kept_as_a_base_address(given: str | None, kept: str | None) -> None:
    assert OrganizationChange(link_domain=given).link_domain == kept


async def test_a_link_domain_can_be_given_up_again(api: Caller) -> None:
    assert (await api.patch("/organization", json={"link_domain": "https://go.example.com/"})).json()["link_domain"]
    assert (await api.patch("/organization", json={"link_domain": None})).json()["link_domain"] is None


@pytest.mark.parametrize("whose", ["the server's", "another organization's"])
async def test_a_link_domain_of_somebody_else_is_refused(api: Caller, database: Database, settings: Settings, whose: str) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
        other.link_domain = "https://GO.other.test"
    domain = settings.effective_link_domain if whose == "the server's" else "https://go.other.test"
    draft = {"name": "Draft", "channel": "simulator-sms", "message": {"body": "x"}, "link_domain": domain}
    for answer in (
        await api.patch("/organization", json={"link_domain": domain}),
        await api.post("/campaigns", json=draft),
    ):
        assert answer.status_code == 422
        assert [each["field"] for each in answer.json()["errors"]] == ["link_domain"]
    assert (await api.get("/organization")).json()["link_domain"] is None


async def test_a_draft_whose_link_domain_became_somebody_elses_cannot_be_launched(api: Caller, database: Database) -> None:
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    campaign = await new_campaign(api, link_domain="https://go.other.test")
    taken = await api.with_key(key).patch("/organization", json={"link_domain": "https://go.other.test"})
    assert taken.status_code == 200  # a draft holds no domain
    assert "link_domain" in fields(await api.post(f"/campaigns/{campaign}/launch"))


async def test_of_two_organizations_that_want_a_link_domain_at_once_one_gets_it(api: Caller, database: Database) -> None:
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    body = {"link_domain": "https://go.shop.test"}
    answers = await asyncio.gather(*(each.patch("/organization", json=body) for each in (api, api.with_key(key))))
    assert sorted(answer.status_code for answer in answers) == [200, 422]
