"""`/metrics` of the redirect: what happened is counted, and only those inside may read it."""

import pytest

from models.database import Database
from models.organizations.organization import Organization
from tests.api.redirect.contact import PHONE, Contact
from tests.clicks import send


async def scraped(contact: Contact) -> str:
    contact.client.headers.pop("X-Forwarded-For", None)
    answer = await contact.client.get("/metrics")
    contact.client.headers.update(PHONE)
    assert answer.status_code == 200
    return answer.text


async def test_nobody_reads_metrics_through_a_proxy(contact: Contact) -> None:
    assert (await contact.client.get("/metrics")).status_code == 404


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_metrics_are_only_read(contact: Contact, method: str) -> None:
    assert (await contact.client.request(method, "/metrics")).status_code == 405


async def test_clicks_answers_and_commits_are_counted(
    contact: Contact, database: Database, organization: tuple[Organization, str]
) -> None:
    sent = await send(database, organization[0].id, ["https://example.com/a"])
    for _ in range(2):
        await contact.click(sent)
    await contact.click(sent, method="HEAD")
    await contact.client.get("/nothing")
    text = await scraped(contact)
    assert 'linkwake_redirect_answers_total{status="302"} 3.0' in text
    assert 'linkwake_redirect_answers_total{status="404"} 1.0' in text
    assert 'linkwake_clicks_total{reason="browser",verdict="human"} 2.0' in text
    assert "linkwake_redirect_seconds_count 3.0" in text
    assert "linkwake_commit_clicks_sum 2.0" in text
    assert 'linkwake_journal_clicks_total{state="stored"} 2.0' in text
    assert 'linkwake_journal_clicks_total{state="lost"} 0.0' in text


async def test_a_degraded_part_is_named(contact: Contact) -> None:
    contact.app.state.parts.journal.problem = "the connection was refused"
    text = await scraped(contact)
    assert 'linkwake_degraded{part="clicks"} 1.0' in text
