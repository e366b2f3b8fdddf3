"""Shared links, from the slug to the counts."""

from typing import Any

import pytest

from models.database import Database
from models.organizations.organization import Organization, create_organization
from tests.api.campaign_builders import fields
from tests.builders import Caller, hold

SPRING = {"slug": "spring-sale", "destination": "https://www.example.com/spring"}


async def made(api: Caller, **changes: Any) -> dict[str, Any]:
    created = await api.post("/shared-links", json={**SPRING, **changes})
    assert created.status_code == 201, created.text
    return dict(created.json())


@pytest.mark.parametrize(
    "slug", ["ab", "-abc", "_abc", "a b c", "a/b/c", "äbc", "a.b.c", "a" * 64, "abcdefghij1234", "Health", "metrics", "abc\n"]
)
async def test_a_slug_that_cannot_be_is_refused(api: Caller, slug: str) -> None:
    assert "slug" in fields(await api.post("/shared-links", json={**SPRING, "slug": slug}))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"destination": "www.example.com"}, "destination"),
        ({"destination": "https://user:secret@example.com"}, "destination"),
        ({"destination": "http://127.0.0.1:8001/spring-sale"}, "destination"),
        ({"destination": "HTTP://LocalHost.:8001/other"}, "destination"),
        ({"utm": {"source": "{{ contact.id }}"}}, "utm.source"),
        ({"utm": {"source": "{{ contact.nope }}"}}, "utm.source"),
    ],
)
async def test_a_destination_that_leads_nowhere_is_refused(api: Caller, changes: dict[str, Any], field: str) -> None:
    assert field in fields(await api.post("/shared-links", json={**SPRING, **changes}))
    shared = await made(api)
    assert field in fields(await api.patch(f"/shared-links/{shared['id']}", json=changes))


async def test_a_slug_is_taken_once_on_the_servers_domain(api: Caller, database: Database) -> None:
    await made(api)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    assert (await api.with_key(key).post("/shared-links", json=SPRING)).status_code == 409


async def test_a_slug_is_free_on_a_domain_of_ones_own_and_again_when_it_is_deleted(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    first = await made(api)
    await hold(database, organization[0].id, "go.example.com")
    await api.patch("/organization", json={"link_domain": "https://go.example.com"})
    own = await made(api)
    assert (first["url"], own["url"]) == ("http://127.0.0.1:8001/spring-sale", "https://go.example.com/spring-sale")
    answer = await api.post("/shared-links", json=SPRING)
    assert (answer.status_code, answer.json()["code"]) == (409, "slug_taken")
    assert (await api.delete(f"/shared-links/{own['id']}")).status_code == 204
    assert (await api.get(f"/shared-links/{own['id']}")).status_code == 404
    assert (await made(api))["id"] != own["id"]


async def test_what_keeps_a_link_from_working_is_named(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    await hold(database, organization[0].id, "go.example.com")
    await api.patch("/organization", json={"link_domain": "https://go.example.com"})
    shared = await made(api, destination="https://new.example.com/spring")

    async def obstacle() -> tuple[bool, str | None]:
        found = (await api.get(f"/shared-links/{shared['id']}")).json()
        assert (await api.get("/shared-links")).json()["items"] == [found]
        return found["works"], found["obstacle"]

    assert await obstacle() == (True, None)
    await hold(database, organization[0].id, "new.example.com")
    assert await obstacle() == (False, "leads_back")
    await api.patch("/organization", json={"link_domain": None})
    assert (await api.delete("/organization/link-domains/go.example.com")).status_code == 204
    assert await obstacle() == (False, "domain_not_held")
    await api.patch(f"/shared-links/{shared['id']}", json={"active": False})
    assert await obstacle() == (False, "off")


async def test_another_organizations_shared_link_does_not_exist(api: Caller, database: Database) -> None:
    shared = await made(api)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    other = api.with_key(key)
    path = f"/shared-links/{shared['id']}"
    answers = [await other.get(path), await other.patch(path, json={}), await other.delete(path)]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert (await other.get("/shared-links")).json()["items"] == []


async def test_what_is_changed_is_shown_and_counted_as_the_same_link(api: Caller, organization: tuple[Organization, str]) -> None:
    shared = await made(api, utm={"source": "poster"})
    assert shared["leads_to"] == "https://www.example.com/spring?utm_source=poster"
    changed = await api.patch(
        f"/shared-links/{shared['id']}", json={"destination": "https://www.example.com/summer", "name": "Poster"}
    )
    assert changed.json()["leads_to"] == "https://www.example.com/summer?utm_source=poster"
    counted = (await api.get(f"/links/{shared['id']}/analytics")).json()
    assert (counted["name"], counted["url"]) == ("Poster", "https://www.example.com/summer?utm_source=poster")
    assert counted["totals"]["clicks"] == 0
    assert (await api.get("/shared-links")).json()["items"] == [changed.json()]
