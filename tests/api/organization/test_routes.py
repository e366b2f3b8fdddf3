"""The organization's settings."""

from typing import Any

import pytest
from pydantic import ValidationError

from api.organization.routes import OrganizationChange
from models.database import Database
from models.organizations.organization import Organization, create_organization
from settings import Settings
from tests.api.campaign_builders import fields, new_campaign
from tests.builders import Caller, hold


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
        ({"click_retention_days": 29}, "click_retention_days"),
        ({"click_retention_days": 3651}, "click_retention_days"),
        ({"click_retention_days": "365"}, "click_retention_days"),
        ({"click_retention_days": True}, "click_retention_days"),
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


async def test_clicks_are_kept_for_ever_unless_it_is_said_for_how_long(api: Caller) -> None:
    assert (await api.get("/organization")).json()["click_retention_days"] is None
    for days in (30, 3650, None):
        answer = await api.patch("/organization", json={"click_retention_days": days})
        assert (answer.status_code, answer.json()["click_retention_days"]) == (200, days)
        await api.patch("/organization", json={"name": "Renamed"})
        assert (await api.get("/organization")).json()["click_retention_days"] == days


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


async def test_a_link_domain_can_be_given_up_again(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    await hold(database, organization[0].id, "go.example.com")
    assert (await api.patch("/organization", json={"link_domain": "https://go.example.com/"})).json()["link_domain"]
    assert (await api.patch("/organization", json={"link_domain": None})).json()["link_domain"] is None


@pytest.mark.parametrize("whose", ["the server's", "another organization's", "nobody's"])
async def test_a_link_domain_that_the_organization_does_not_hold_is_refused(
    api: Caller, database: Database, settings: Settings, whose: str
) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    await hold(database, other.id, "go.other.test")
    domains = {"the server's": settings.effective_link_domain, "nobody's": "https://go.free.test"}
    domain = domains.get(whose, "https://GO.other.test:8443")
    draft = {"name": "Draft", "channel": "simulator-sms", "message": {"body": "x"}, "link_domain": domain}
    for answer in (
        await api.patch("/organization", json={"link_domain": domain}),
        await api.post("/campaigns", json=draft),
    ):
        assert answer.status_code == 422
        assert [each["field"] for each in answer.json()["errors"]] == ["link_domain"]
    assert (await api.get("/organization")).json()["link_domain"] is None


async def test_a_draft_whose_link_domain_was_released_cannot_be_launched(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    await hold(database, organization[0].id, "go.other.test")
    campaign = await new_campaign(api, link_domain="https://go.other.test")
    assert (await api.delete("/organization/link-domains/go.other.test")).status_code == 204  # a draft does not use it yet
    assert "link_domain" in fields(await api.post(f"/campaigns/{campaign}/launch"))


@pytest.mark.parametrize(
    "address",
    [
        "https://go.shop.test/spring-sale",
        "http://GO.Shop.test.:443/x",
        "https://go.shop.test:8443/x",
        "https://%67o.shop.test/x",
        "https://go.other.test/x",
        "http://127.0.0.1:8001/x",
        "http://localhost:8000/x",
        "http://0x7f.1:8001/x",
        "http://[::ffff:127.0.0.1]:8001/x",
        "https://api.linkwake.test/x",
        "https://müll.test",
    ],
)
async def test_the_fallback_cannot_be_one_of_our_own_addresses(
    api: Caller, database: Database, organization: tuple[Organization, str], settings: Settings, address: str
) -> None:
    settings.server_hosts = ("api.linkwake.test",)
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    await hold(database, organization[0].id, "go.shop.test", "xn--mll-hoa.test")
    await hold(database, other.id, "go.other.test")
    assert list(fields(await api.patch("/organization", json={"fallback_url": address}))) == ["fallback_url"]
    shared = {"slug": "spring-sale", "destination": address}
    assert list(fields(await api.post("/shared-links", json=shared))) == ["destination"]


async def test_what_is_wrong_with_both_addresses_is_told_together(api: Caller) -> None:
    change = {"link_domain": "https://go.nobody.test", "fallback_url": "http://127.0.0.1:8001/x"}
    assert list(fields(await api.patch("/organization", json=change))) == ["link_domain", "fallback_url"]


async def test_a_page_on_another_port_of_this_machine_can_be_linked(api: Caller) -> None:
    answer = await api.patch("/organization", json={"fallback_url": "http://localhost:3000/sorry"})
    assert answer.status_code == 200
