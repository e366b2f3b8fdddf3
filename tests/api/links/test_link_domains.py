"""Link domains: claimed, proven by a record of a real name server, held, used and released."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset
import pytest

from models.database import Database
from models.organizations.organization import Organization, create_organization
from settings import NameServer, Settings
from tests.api.campaign_builders import add_contacts, draft, fields, new_campaign, new_sequence, steps_with_click
from tests.builders import Caller, hold

DOMAINS = "/organization/link-domains"


class NameServerOfOurs(asyncio.DatagramProtocol):
    """Answers for the TXT records that it has; `silent`: not at all."""

    def __init__(self) -> None:
        self.records: dict[str, str] = {}
        self.silent = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        question = dns.message.from_wire(data)
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        name = question.question[0].name
        if text := self.records.get(name.to_text(omit_final_dot=True)):
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", '"v=spf1 -all"', f'"{text}"'))
        if not self.silent:
            self.transport.sendto(answer.to_wire(), address)


@pytest.fixture
async def name_server(settings: Settings) -> AsyncIterator[NameServerOfOurs]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(NameServerOfOurs, ("127.0.0.1", 0))
    settings.dns_servers = (NameServer(*transport.get_extra_info("sockname")),)
    yield protocol
    transport.close()


async def claimed(api: Caller, host: str = "go.shop.test") -> dict[str, Any]:
    answer = await api.post(DOMAINS, json={"host": host})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_domain_is_held_when_its_record_is_found(api: Caller, name_server: NameServerOfOurs) -> None:
    domain = await claimed(api)
    record = domain["dns_record"]
    assert (domain["held_since"], domain["proof"], record["type"], record["name"]) == (
        None,
        None,
        "TXT",
        "_linkwake.go.shop.test",
    )
    assert "host" in fields(await api.post(f"{DOMAINS}/go.shop.test/verify"))
    name_server.records[record["name"]] = record["value"]
    verified = await api.post(f"{DOMAINS}/Go.Shop.test/verify")
    assert (verified.status_code, verified.json()["proof"]) == (200, "dns")
    assert (await api.patch("/organization", json={"link_domain": "https://go.shop.test"})).status_code == 200
    name_server.records.clear()
    assert (await api.post(f"{DOMAINS}/go.shop.test/verify")).json() == verified.json() == (await claimed(api))
    assert (await api.get(DOMAINS)).json()["items"] == [verified.json()]


async def test_the_record_of_one_organization_proves_nothing_for_another(
    api: Caller, database: Database, name_server: NameServerOfOurs
) -> None:
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    other = api.with_key(key)
    assert (await other.get(f"{DOMAINS}/go.shop.test")).status_code == 404
    theirs, ours = await claimed(other), await claimed(api)
    name_server.records[ours["dns_record"]["name"]] = ours["dns_record"]["value"]
    assert theirs["dns_record"]["value"] != ours["dns_record"]["value"]
    assert "host" in fields(await other.post(f"{DOMAINS}/go.shop.test/verify"))
    assert (await api.post(f"{DOMAINS}/go.shop.test/verify")).status_code == 200
    assert "host" in fields(await other.post(f"{DOMAINS}/go.shop.test/verify"))  # a claim of before is worth nothing


async def test_a_domain_that_somebody_holds_cannot_be_claimed_or_taken_by_a_record(
    api: Caller, database: Database, name_server: NameServerOfOurs
) -> None:
    domain = await claimed(api)
    name_server.records[domain["dns_record"]["name"]] = domain["dns_record"]["value"]
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    await hold(database, other.id, "go.shop.test")
    late = await api.post(f"{DOMAINS}/go.shop.test/verify")
    assert (late.status_code, late.json()["code"]) == (409, "link_domain_taken")
    await api.delete(f"{DOMAINS}/go.shop.test")
    again = await api.post(DOMAINS, json={"host": "go.shop.test"})
    assert (again.status_code, again.json()["code"]) == (409, "link_domain_taken")


async def test_a_key_that_is_revoked_while_the_name_server_answers_proves_nothing(
    api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = await claimed(api)
    made = (await api.post("/api-keys", json={"name": "Second", "role": "owner"})).json()

    async def look(*_: Any) -> list[str]:
        assert (await api.delete(f"/api-keys/{made['id']}")).is_success
        return [domain["dns_record"]["value"]]

    monkeypatch.setattr("api.links.link_domains.txt_records", look)
    assert (await api.with_key(made["key"]).post(f"{DOMAINS}/go.shop.test/verify")).status_code == 401
    assert (await api.get(f"{DOMAINS}/go.shop.test")).json()["held_since"] is None


async def test_while_no_name_server_answers_a_domain_can_be_verified_later(
    api: Caller, name_server: NameServerOfOurs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.name_servers.ANSWER_SECONDS", 0.1)
    name_server.silent = True
    await claimed(api)
    assert (await api.post(f"{DOMAINS}/go.shop.test/verify")).status_code == 503


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "links.localhost",
        "intranet",
        "127.0.0.1",
        "0x7f.1",
        "192.168.1.5",
        "[::1]",
        "https://LINKS.example.com./",
        "links.example.com:8443",
        "api.linkwake.test",
        "not a host",
        "-a.test",
    ],
)
async def test_a_host_of_the_server_or_of_a_machine_is_nobodys_link_domain(api: Caller, settings: Settings, host: str) -> None:
    settings.link_domain, settings.server_hosts = "https://links.example.com", ("api.linkwake.test",)
    assert list(fields(await api.post(DOMAINS, json={"host": host}))) == ["host"]


async def test_an_international_name_is_claimed_in_the_form_that_browsers_send(api: Caller) -> None:
    assert (await claimed(api, "Müll.test"))["host"] == "xn--mll-hoa.test"
    assert (await api.get(f"{DOMAINS}/müll.test")).status_code == 200


async def test_a_domain_that_messages_go_out_with_cannot_be_released(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    await hold(database, organization[0].id, "go.shop.test", "spring.shop.test")
    await api.patch("/organization", json={"link_domain": "https://go.shop.test:8443"})
    contacts = await add_contacts(database, organization[0].id, 1)
    campaign = await new_campaign(api, link_domain="https://spring.shop.test", audience={"contact_ids": contacts})
    assert (await api.post(f"/campaigns/{campaign}/launch")).status_code == 202
    for host, user in (("go.shop.test", "link_domain"), ("spring.shop.test", campaign)):
        refused = await api.delete(f"{DOMAINS}/{host}")
        assert (refused.status_code, refused.json()["code"]) == (409, "link_domain_used")
        assert user in refused.json()["detail"]


async def test_an_organization_has_twenty_link_domains_at_most(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.organizations.link_domain.MAX_DOMAINS", 2)
    for host in ("a.shop.test", "b.shop.test", "b.shop.test"):
        await claimed(api, host)
    refused = await api.post(DOMAINS, json={"host": "c.shop.test"})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_link_domains")


async def test_a_messages_links_cannot_lead_back_to_us(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    await hold(database, organization[0].id, "go.shop.test")
    named = {"body": "{{ links.offer }}", "links": {"offer": "https://GO.shop.test./x?name={{ contact.first_name }}"}}
    written = {"body": "Look: http://go.shop.test:8080/x"}
    assert list(fields(await api.post("/campaigns", json=draft(message=named)))) == ["message.links.offer"]
    step = {"kind": "send", "key": "hello", "channel": "simulator-sms"}
    sequence = {"name": "Welcome", "steps": [{**step, "message": named}]}
    assert list(fields(await api.post("/sequences", json=sequence))) == ["steps[0].message.links.offer"]
    contacts = await add_contacts(database, organization[0].id, 1)
    campaign = await new_campaign(api, message=written, audience={"contact_ids": contacts})
    assert list(fields(await api.post(f"/campaigns/{campaign}/launch"))) == ["message.body"]
    unpublished = await new_sequence(api, steps=[{**step, "message": written}], publish=False)
    assert list(fields(await api.post(f"/sequences/{unpublished}/publish"))) == ["steps[0].message.body"]


async def test_a_message_of_a_trigger_cannot_lead_back_to_us_either(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    await hold(database, organization[0].id, "go.shop.test")

    def thanking(**message: Any) -> dict[str, Any]:
        return {"key": "hot", "actions": [{"kind": "send", "channel": "simulator-sms", "message": message}]}

    at = "triggers[0].actions[0].message"
    named = thanking(body="{{ links.offer }}", links={"offer": "https://go.shop.test/x"})
    assert list(fields(await api.post("/campaigns", json=draft(triggers=[named])))) == [f"{at}.links.offer"]
    sequence = {"name": "Welcome", "steps": steps_with_click(), "triggers": [named]}
    assert list(fields(await api.post("/sequences", json=sequence))) == [f"{at}.links.offer"]
    written = thanking(body="Look: http://go.shop.test:8080/x")
    message = {"body": "Look: https://www.example.com/"}
    contacts = await add_contacts(database, organization[0].id, 1)
    campaign = await new_campaign(api, message=message, triggers=[written], audience={"contact_ids": contacts})
    assert list(fields(await api.post(f"/campaigns/{campaign}/launch"))) == [f"{at}.body"]
    unpublished = await new_sequence(api, steps=steps_with_click(), triggers=[written], publish=False)
    assert list(fields(await api.post(f"/sequences/{unpublished}/publish"))) == [f"{at}.body"]


async def test_nobody_is_shown_a_preview_of_a_message_that_leads_back_to_us(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    await hold(database, organization[0].id, "go.shop.test")
    campaign = await new_campaign(api, message={"body": "Look: https://GO.shop.test/x"})
    assert list(fields(await api.post(f"/campaigns/{campaign}/preview", json={}))) == ["message.body"]


async def test_of_two_organizations_that_are_assigned_a_domain_at_once_one_gets_it(api: Caller, database: Database) -> None:
    async with database.transaction() as session:
        both = [(await create_organization(session, name))[0] for name in ("One", "Other")]
    results = await asyncio.gather(*(hold(database, each.id, "go.shop.test") for each in both), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "NoneType"]
