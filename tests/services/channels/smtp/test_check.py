"""What the check of a sender says to publish. The name servers are stood in for by a mapping."""

from collections.abc import Sequence

import pytest

from models.database import Database
from services.channels.base import Check, Outside
from services.channels.smtp import check
from services.way_out.way_out import WayOut
from settings import Settings
from tests.services.channels.smtp.configs import config

TEXTS: dict[str, str] = {}


@pytest.fixture(autouse=True)
def name_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    TEXTS.clear()

    async def records(name: str, kind: str, servers: object) -> list[str]:
        return [TEXTS[name]] if kind == "TXT" and name in TEXTS else []

    monkeypatch.setattr(check, "records", records)


async def found(database: Database, settings: Settings, host: str) -> dict[str, Check]:
    checks: Sequence[Check] = await check.check_sender(
        config(host=host, security="starttls", port=9), Outside(database, WayOut(local=True), settings)
    )
    return {each.name: each for each in checks}


@pytest.mark.parametrize(
    ("host", "mechanism"), [("127.0.0.1", "ip4:127.0.0.1"), ("[::1]", "ip6:::1"), ("localhost", "a:localhost")]
)
@pytest.mark.parametrize("present", [None, "v=spf1 mx -all"])
async def test_the_record_to_publish_is_one_that_receivers_can_read(
    database: Database, settings: Settings, host: str, mechanism: str, present: str | None
) -> None:
    if present:
        TEXTS["example.com"] = present
    spf = (await found(database, settings, host))["spf"]
    assert spf.publish == f'example.com. TXT "v=spf1 {mechanism} {"mx -all" if present else "~all"}"'


async def test_an_address_is_no_name_that_an_address_can_lead_to(database: Database, settings: Settings) -> None:
    by_address, by_name = [(await found(database, settings, host))["reverse_name"].publish for host in ("127.0.0.1", "localhost")]
    assert by_address is not None
    assert by_name is not None
    assert "PTR the mail server's name" in by_address
    assert "PTR localhost. " in by_name
