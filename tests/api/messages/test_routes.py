"""Messages over HTTP: filters, and the links of a message as its contact has them."""

from uuid import UUID, uuid4

import pytest

from models.campaigns.campaign import Campaign
from models.database import Database
from models.messages.content import PersonalLink, load_content
from models.messages.message import Message, MessageState
from models.messages.report import ReportKind
from models.organizations.organization import Organization, create_organization
from services.provider_reports.apply import Report, apply_reports
from settings import Settings
from tests.api.campaign_builders import add_contacts, new_campaign
from tests.builders import Caller
from tracking.tokens.token import TokenCodec

Org = tuple[Organization, str]
RECIPIENT_NUMBER = 7
TEXT = {
    "body": "{{ links.offer }} {{ links.mine }} {% if contact.email %}https://example.com/hidden{% endif %}",
    "links": {"offer": "HTTPS://Example.com/offer", "mine": "https://example.com/{{ contact.external_id }}"},
}


async def send(api: Caller, database: Database, settings: Settings, org_id: UUID, *, tracked: bool = True) -> str:
    """A launched campaign's message, as it is when it has been sent: the hidden link is not in its text."""
    (contact,) = await add_contacts(database, org_id, 1)
    campaign = await new_campaign(api, message=TEXT, audience={"contact_ids": [contact]})
    assert (await api.post(f"/campaigns/{campaign}/launch")).status_code == 202
    async with database.transaction() as session:
        row = await session.get_one(Campaign, campaign)
        assert row.content_id is not None
        links = (await load_content(session, row.content_id)).links
        codec, domain = TokenCodec(settings.effective_token_keys), settings.effective_link_domain
        urls = [f"{domain}/{codec.encode(row.content_id, RECIPIENT_NUMBER, link.position)}" for link in links if link.name]
        message = Message(
            org_id=org_id,
            contact_id=UUID(contact),
            channel_id=row.channel_id,
            content_id=row.content_id,
            recipient_number=RECIPIENT_NUMBER,
            campaign_id=row.id,
            state=MessageState.ACCEPTED,
            provider_id="SM1",
            tracked=tracked,
            body=" ".join(urls) if tracked else "HTTPS://Example.com/offer https://example.com/a%20b",
        )
        session.add(message)
        for link in links:
            if link.merge and tracked:
                link_key = {"content_id": row.content_id, "recipient_number": RECIPIENT_NUMBER, "position": link.position}
                session.add(PersonalLink(**link_key, url="https://example.com/a%20b"))
    return str(message.id)


@pytest.mark.parametrize(
    ("query", "field"), [({"state": "lost"}, "state"), ({"contact_id": "x"}, "contact_id"), ({"reason": "\x00"}, "reason")]
)
async def test_a_filter_that_makes_no_sense_is_refused(api: Caller, query: dict[str, str], field: str) -> None:
    answer = await api.get("/messages", params=query)
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (422, [field])


async def test_another_organizations_message_does_not_exist(
    api: Caller, database: Database, settings: Settings, organization: Org
) -> None:
    message = await send(api, database, settings, organization[0].id)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    assert (await api.with_key(key).get(f"/messages/{message}")).status_code == 404
    assert (await api.with_key(key).get("/messages")).json()["items"] == []
    assert (await api.get(f"/messages/{uuid4()}")).status_code == 404


async def test_a_message_shows_the_links_that_its_contact_has(
    api: Caller, database: Database, settings: Settings, organization: Org
) -> None:
    message = (await api.get(f"/messages/{await send(api, database, settings, organization[0].id)}")).json()
    offer, mine = message["links"]
    assert (offer["name"], offer["destination"]) == ("offer", "https://example.com/offer")
    assert (mine["name"], mine["destination"]) == ("mine", "https://example.com/a%20b")
    assert message["body"].split() == [offer["url"], mine["url"]]
    codec = TokenCodec(settings.effective_token_keys)
    tokens = [codec.decode(url.rsplit("/", 1)[1]) for url in (offer["url"], mine["url"])]
    assert [(each.recipient_number, each.position) for each in tokens if each] == [
        (RECIPIENT_NUMBER, offer["position"]),
        (RECIPIENT_NUMBER, mine["position"]),
    ]


async def test_the_links_of_a_message_have_the_ids_that_analytics_and_clicks_take(
    api: Caller, database: Database, settings: Settings, organization: Org
) -> None:
    message = (await api.get(f"/messages/{await send(api, database, settings, organization[0].id)}")).json()
    campaign = (await api.get(f"/campaigns/{message['campaign_id']}")).json()
    ids = {link["name"]: link["id"] for link in campaign["links"]}
    assert {link["name"]: link["id"] for link in message["links"]} == {name: ids[name] for name in ("offer", "mine")}
    for link in message["links"]:
        assert (await api.get(f"/links/{link['id']}/analytics")).status_code == 200
        assert (await api.get("/clicks", params={"link_id": link["id"]})).json()["items"] == []


async def test_an_untracked_message_shows_the_addresses_as_they_were_written(
    api: Caller, database: Database, settings: Settings, organization: Org
) -> None:
    message = await send(api, database, settings, organization[0].id, tracked=False)
    shown = (await api.get(f"/messages/{message}")).json()
    assert shown["tracked"] is False
    assert [(each["name"], each["url"]) for each in shown["links"]] == [("offer", "HTTPS://Example.com/offer")]


async def test_messages_are_listed_by_contact_campaign_and_state(
    api: Caller, database: Database, settings: Settings, organization: Org
) -> None:
    message = await send(api, database, settings, organization[0].id)
    shown = (await api.get(f"/messages/{message}")).json()

    async def listed(**wanted: str) -> list[str]:
        return [each["id"] for each in (await api.get("/messages", params=wanted)).json()["items"]]

    assert await listed() == [message]
    assert await listed(contact_id=shown["contact_id"], campaign_id=shown["campaign_id"], state="accepted") == [message]
    assert await listed(state="failed") == []


async def test_a_message_shows_the_providers_name_for_it_alone_and_in_lists(
    api: Caller, database: Database, settings: Settings, organization: Org
) -> None:
    message = await send(api, database, settings, organization[0].id)
    assert (await api.get(f"/messages/{message}")).json()["provider_id"] == "SM1"
    assert [each["provider_id"] for each in (await api.get("/messages")).json()["items"]] == ["SM1"]


async def test_a_message_shows_what_its_provider_has_reported(
    api: Caller, database: Database, settings: Settings, organization: Org
) -> None:
    message = await send(api, database, settings, organization[0].id)
    async with database.transaction() as session:
        row = await session.get_one(Message, UUID(message))
    told = {"delivered": None, "bounced": "5.1.1", "sent": None}
    reports = [
        Report(row.org_id, row.channel_id, ReportKind(kind), kind, message_id=row.id, code=code, soft=True)
        for kind, code in told.items()
    ]
    assert await apply_reports(database, reports, None) == 3
    shown = (await api.get(f"/messages/{message}")).json()
    assert (shown["report"], shown["report_code"], shown["state"]) == ("bounced", "5.1.1", "accepted")
    assert [(each["kind"], each["code"]) for each in shown["reports"]] == list(told.items())
    (entry,) = (await api.get(f"/contacts/{shown['contact_id']}/conversation")).json()["items"]
    assert (entry["report"], entry["report_code"]) == ("bounced", "5.1.1")
    campaign = (await api.get(f"/campaigns/{shown['campaign_id']}")).json()
    assert campaign["reports"] == {"bounced": 1}
    assert (await api.get(f"/campaigns/{shown['campaign_id']}/analytics")).json()["totals"]["reports"] == {"bounced": 1}


async def test_messages_are_listed_by_what_was_reported(
    api: Caller, database: Database, settings: Settings, organization: Org
) -> None:
    message = await send(api, database, settings, organization[0].id)
    async with database.transaction() as session:
        (await session.get_one(Message, UUID(message))).report = ReportKind.COMPLAINED
    found = {
        kind: [each["id"] for each in (await api.get("/messages", params={"report": kind})).json()["items"]]
        for kind in ("failed", "bounced", "complained")
    }
    assert found == {"failed": [], "bounced": [], "complained": [message]}
    assert (await api.get("/messages", params={"report": "delivered"})).status_code == 422
