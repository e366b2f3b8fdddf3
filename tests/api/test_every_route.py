"""What holds for every route, whatever it does: what it does not know is refused, and never passed over."""

import re
from uuid import UUID

import pytest
from fastapi.routing import APIRoute

from api.app import AREAS
from api.handling.request import TransactionRoute
from api.http.query_parameters import query_parameters
from tests.api.campaign_builders import new_campaign
from tests.builders import Caller, is_problem

ROUTES = {
    f"{method} {route.path}": route
    for area in AREAS
    for route in area.router.routes
    if isinstance(route, TransactionRoute)
    for method in route.methods or ()
}
TAKES_A_FILE = {name for name, route in ROUTES.items() if "requestBody" in (route.openapi_extra or {})}


KINDS = {"POST /v1/channels": {"kind": "simulator"}}
"""Bodies of several kinds, whose fields are those of the kind."""


def test_there_are_routes() -> None:
    assert len(ROUTES) > 50


def address(route: APIRoute) -> str:
    """An address of this route, whose ids do not exist."""
    return re.sub(r"\{[^}]*\}", "1" if "version" in route.path else str(UUID(int=1)), route.path).removeprefix("/v1")


@pytest.mark.parametrize("name", sorted(ROUTES.keys() - TAKES_A_FILE))
async def test_a_field_that_a_route_does_not_know_is_refused(api: Caller, name: str) -> None:
    body = {**KINDS.get(name, {}), "at_what_time": "2026-11-30T09:00:00+01:00"}
    answer = await api.request(name.partition(" ")[0], address(ROUTES[name]), json=body)
    assert is_problem(answer, 422, "invalid")
    assert "at_what_time" in [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("name", sorted(name for name, route in ROUTES.items() if route.body_field is None))
async def test_an_empty_object_is_no_body(api: Caller, name: str) -> None:
    answer = await api.request(name.partition(" ")[0], address(ROUTES[name]), json={})
    assert answer.is_success or "body" not in [error["field"] for error in answer.json().get("errors", [])]


@pytest.mark.parametrize("body", [b"[1]", b'"soon"', b"nonsense", b"at=now", b"\xff"])
async def test_a_body_of_another_kind_is_refused_where_there_is_none(api: Caller, body: bytes) -> None:
    answer = await api.post(f"/campaigns/{UUID(int=1)}/launch", content=body)
    assert answer.json()["errors"] == [{"field": "body", "message": "This request takes no body: leave it out."}]


@pytest.mark.parametrize("name", sorted(name for name, route in ROUTES.items() if query_parameters(route.dependant)))
async def test_a_parameter_that_is_given_twice_is_refused_unless_it_is_a_list(api: Caller, name: str) -> None:
    route = ROUTES[name]
    known = query_parameters(route.dependant)
    query = [(parameter, "1") for parameter in known] * 2
    answer = await api.request(name.partition(" ")[0], address(route), params=query)
    refused = {error["field"] for error in answer.json()["errors"] if error["message"].startswith("This is given more than once")}
    assert refused == {parameter for parameter, takes_several in known.items() if not takes_several}


async def test_a_tag_that_is_given_twice_asks_for_contacts_with_both(api: Caller) -> None:
    for name, tags in {"both": ["a", "b"], "one": ["a"], "other": ["b"]}.items():
        await api.post("/contacts", json={"external_id": name, "tags": tags})
    found = (await api.get("/contacts?tag=a&tag=b")).json()["items"]
    assert [contact["external_id"] for contact in found] == ["both"]


async def test_a_campaigns_state_that_is_given_twice_asks_for_either(api: Caller) -> None:
    campaign = await new_campaign(api)
    for query, found in {"state=draft&state=sending": [campaign], "state=sending&state=completed": [], "": [campaign]}.items():
        assert [each["id"] for each in (await api.get(f"/campaigns?{query}")).json()["items"]] == found
