"""Readiness of the API: what is degraded, and why."""

from pathlib import Path

import pytest

from api.services import Services
from tests.builders import Caller


@pytest.mark.parametrize("content", [None, b"not a database"])
async def test_a_geo_database_that_cannot_be_read_is_degraded(
    api: Caller, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    path = tmp_path / "city.mmdb"
    if content:
        path.write_bytes(content)
    monkeypatch.setattr(services.settings, "geo_database", path)
    answer = await api.client.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert str(path) in answer.json()["degraded"]["geo"]


async def test_everything_there_is_ready(api: Caller) -> None:
    answer = await api.client.get("/health/ready")
    assert answer.json() == {"status": "ready", "degraded": {}}
