"""Several contacts at one mailbox, where the organization allows it."""

from typing import Any

import pytest

from tests.builders import Caller

FAMILY = "family@example.com"


async def put(api: Caller, **fields: Any) -> Any:
    return await api.request("PUT", "/contacts", json=fields)


async def share(api: Caller, shared: bool = True) -> Any:
    return await api.patch("/organization", json={"shared_mailboxes": shared})


async def test_one_mailbox_has_one_contact_unless_the_organization_says_otherwise(api: Caller) -> None:
    assert (await put(api, external_id="ada", email=FAMILY)).status_code == 201
    assert (await put(api, external_id="bob", email=FAMILY)).status_code == 409
    assert (await share(api)).json()["shared_mailboxes"] is True
    assert (await put(api, external_id="bob", email=FAMILY)).status_code == 201
    assert (await put(api, external_id="cy", phone="+12025550123", email=FAMILY)).status_code == 201
    found = (await api.get(f"/contacts?email={FAMILY}")).json()["items"]
    assert [each["external_id"] for each in found] == ["cy", "bob", "ada"]


async def test_an_external_id_still_names_one_contact(api: Caller) -> None:
    await share(api)
    made = (await put(api, external_id="ada", email=FAMILY)).json()
    again = await put(api, external_id="ada", email="other@example.com", first_name="Ada")
    assert (again.status_code, again.json()["id"], again.json()["email"]) == (200, made["id"], "other@example.com")
    assert (await api.post("/contacts", json={"external_id": "ada"})).status_code == 409


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_an_address_alone_names_nobody(api: Caller, method: str) -> None:
    await share(api)
    answer = await api.request(method, "/contacts", json={"email": FAMILY})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "external_id")
    by_address = {"match_on": "email", "contacts": [{"external_id": "a", "email": FAMILY}]}
    (row,) = (await api.post("/contacts/bulk", json=by_address)).json()["results"]
    assert (row["result"], row["errors"][0]["field"]) == ("failed", "email")


async def test_sharing_ends_once_each_contact_has_an_address_of_its_own(api: Caller) -> None:
    await share(api)
    rows = [{"external_id": each, "email": FAMILY} for each in ("a", "b")]
    assert (await api.post("/contacts/bulk", json={"contacts": rows})).json()["created"] == 2
    refused = await share(api, False)
    assert (refused.status_code, refused.json()["code"]) == (409, "mailboxes_shared")
    await put(api, external_id="b", email="b@example.com")
    assert (await share(api, False)).status_code == 200
    assert (await put(api, external_id="c", email=FAMILY)).status_code == 409
    assert (await put(api, email="b@example.com", first_name="Bob")).status_code == 200
