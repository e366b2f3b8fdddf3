"""Roles: every request says which one it needs, and a key without it is told so before anything else happens."""

import re
from collections.abc import Iterator

import pytest

from api.app import AREAS
from api.callers.access import CHANGE_NOTHING, NEEDS, is_declared, needed_role
from api.handling.request import TransactionRoute
from models.organizations.api_key import Role
from tests.builders import Caller

LESSER = {Role.SENDER: Role.VIEWER, Role.EDITOR: Role.SENDER, Role.OWNER: Role.EDITOR}


def routes() -> Iterator[TransactionRoute]:
    return (route for area in AREAS for route in area.router.routes if isinstance(route, TransactionRoute))


OPERATIONS = {route.unique_id: route for route in routes()}


def test_every_request_declares_the_role_it_needs_and_nothing_else_is_declared() -> None:
    assert [operation for operation in OPERATIONS if not is_declared(operation)] == []
    declared = set().union(*NEEDS.values())
    assert declared - set(OPERATIONS) == set()
    assert declared >= CHANGE_NOTHING


def test_no_operation_is_declared_twice() -> None:
    assert sum(len(operations) for operations in NEEDS.values()) == len(set().union(*NEEDS.values()))


def test_what_is_not_declared_needs_an_owner() -> None:
    assert needed_role("campaigns.invented_tomorrow") is Role.OWNER


def test_a_viewer_only_reads() -> None:
    writing = {name for name in NEEDS[Role.VIEWER] if OPERATIONS[name].methods != {"GET"}}
    assert writing == {
        "api_keys.revoke",
        "campaigns.check",
        "campaigns.preview",
        "campaigns.preview_audience",
        "campaigns.preview_unsaved",
        "segments.preview",
        "sequences.check",
    }


async def keys_of_all_roles(api: Caller) -> dict[Role, Caller]:
    made = {role: await api.post("/api-keys", json={"name": role, "role": role}) for role in Role}
    return {role: api.with_key(answer.json()["key"]) for role, answer in made.items()}


async def test_every_request_is_refused_with_the_next_lower_role_and_not_with_its_own(api: Caller) -> None:
    """With ids that nobody has, so that the right role is answered 404 or 422 and changes nothing."""
    keys = await keys_of_all_roles(api)
    for operation, route in OPERATIONS.items():
        role = needed_role(operation)
        path = re.sub(r"{\w+}", "00000000-0000-7000-8000-000000000000", route.path.removeprefix("/v1"))
        [method] = route.methods or [""]
        own = await keys[role].request(method, path, json={"nonsense": True} if method in {"POST", "PUT", "PATCH"} else None)
        assert own.status_code in {200, 404, 415, 422}, (operation, own.text)
        if role in LESSER:
            lower = await keys[LESSER[role]].request(method, path, json={"nonsense": True} if method != "GET" else None)
            problem = lower.json()
            assert (lower.status_code, problem["code"]) == (403, "forbidden"), operation
            assert f"the role {role}{'' if role == Role.OWNER else ' or higher'};" in problem["detail"]


@pytest.mark.parametrize(
    ("have", "needed", "may"), [("owner", "viewer", True), ("viewer", "sender", False), ("editor", "editor", True)]
)
def test_each_role_may_what_those_before_it_may(have: Role, needed: Role, may: bool) -> None:
    assert Role(have).may(Role(needed)) is may
