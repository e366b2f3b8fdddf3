"""UTM parameters and link domains of campaigns and sequences, and the organization's fallback."""

from typing import Any
from uuid import UUID

import pytest

from models.campaigns.campaign import Campaign
from models.database import Database
from models.messages.content import ContentLink, load_content
from models.organizations.organization import Organization
from tests.api.campaign_builders import add_contacts, draft, fields, new_campaign, new_sequence, steps_with_click
from tests.builders import Caller, hold
from tests.sending import Sending

LINK = {"body": "https://x.test/a?b=1#c"}


async def sent(api: Caller, database: Database, organization: Organization, **changes: Any) -> Sending:
    """A campaign that was launched and sent to one contact."""
    sending = Sending(database, organization)
    await add_contacts(database, organization.id, 1, first_name="Ada & Co", tags=["all"])
    campaign_id = await new_campaign(api, message=LINK, audience={"tags": ["all"], "contact_ids": []}, **changes)
    launched = await api.post(f"/campaigns/{campaign_id}/launch")
    assert launched.status_code == 202, launched.text
    async with database.transaction() as session:
        campaign = await session.get_one(Campaign, UUID(campaign_id))
    await sending.send_page(campaign)
    return sending


@pytest.mark.parametrize("value", ["{{ contact.nope }}", "{{ links.offer }}", "{% if contact.id %}a{% endif %}", ""])
async def test_a_utm_parameter_that_cannot_be_is_refused_at_save(api: Caller, value: str) -> None:
    assert "utm.source" in fields(await api.post("/campaigns", json=draft(utm={"source": value})))
    sequence = {"name": "Welcome", "steps": steps_with_click(), "utm": {"source": value}}
    assert "utm.source" in fields(await api.post("/sequences", json=sequence))


@pytest.mark.parametrize(
    "domain", ["go.example.com", "ftp://go.example.com", "https://user:secret@go.example.com", "https://go.example.com?a"]
)
async def test_a_campaigns_link_domain_is_checked_like_the_organizations(api: Caller, domain: str) -> None:
    assert "link_domain" in fields(await api.post("/campaigns", json=draft(link_domain=domain)))
    assert "link_domain" in fields(await api.patch("/organization", json={"link_domain": domain}))


@pytest.mark.parametrize("url", ["example.com", "javascript:alert(1)", "https://user:secret@example.com"])
async def test_a_fallback_that_leads_nowhere_is_refused(api: Caller, url: str) -> None:
    assert "fallback_url" in fields(await api.patch("/organization", json={"fallback_url": url}))


async def test_a_campaigns_parameters_are_in_its_links(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    sending = await sent(api, database, organization[0], utm={"source": "sms", "content": "{{ contact.first_name }}"})
    (personal,) = await sending.personal_links()
    assert personal.url == "https://x.test/a?b=1&utm_source=sms&utm_content=Ada%20%26%20Co#c"


async def test_a_message_that_is_not_tracked_has_no_parameters(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    sending = await sent(api, database, organization[0], utm={"content": "{{ contact.first_name }}"}, link_tracking=False)
    message = await sending.message()
    assert message.body == LINK["body"]
    shown = (await api.get(f"/messages/{message.id}")).json()
    assert [link["url"] for link in shown["links"]] == [LINK["body"]]
    assert await sending.personal_links() == []


async def test_a_campaigns_own_domain_goes_before_the_organizations(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    await hold(database, organization[0].id, "go.example.com", "spring.example.com")
    await api.patch("/organization", json={"link_domain": "https://go.example.com"})
    sending = await sent(api, database, organization[0], link_domain="https://spring.example.com/")
    body = (await sending.message()).body
    assert body is not None
    assert body.startswith("https://spring.example.com/")


async def test_changed_parameters_make_a_new_version_of_a_sequence(api: Caller, database: Database) -> None:
    sequence_id = await new_sequence(api)
    changed = (await api.patch(f"/sequences/{sequence_id}", json={"utm": {"medium": "sms"}})).json()
    assert (changed["unpublished_changes"], changed["utm"]["medium"], len(changed["steps"])) == (True, "sms", 5)
    version = (await api.post(f"/sequences/{sequence_id}/publish")).json()
    assert version["version"] == 2
    assert {link["url"] for link in version["links"]} == {"https://www.example.com/offer?utm_medium=sms"}
    async with database.transaction() as session:
        link = await session.get_one(ContentLink, version["links"][0]["id"])
        content = await load_content(session, link.content_id)
    assert content.links[0].written == "https://www.example.com/offer"
