"""A real redirect process under Granian, with PostgreSQL stopped and the process killed: every unsubscribe that was answered is
there exactly once when PostgreSQL is back."""

import asyncio
from pathlib import Path

import httpx

from models.database import Database
from models.organizations.organization import create_organization
from stack.servers.postgres import EmbeddedPostgres
from tests.api.redirect.test_outage import KEY, environment, postgres, redirect, until  # noqa: F401 # fixtures
from tests.api.redirect.unsubscribing.mails import send_mails
from tests.clicks import rows
from tracking.tokens.token import TokenCodec

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
OUT = "SELECT contact_id FROM consent WHERE state = 'opted_out' ORDER BY contact_id"


def spooled(var: Path) -> int:
    """Bytes."""
    return sum(path.stat().st_size for path in (var / "unsubscribes").glob("*.spool"))


async def reachable(address: str) -> None:
    async with asyncio.timeout(30), httpx.AsyncClient(base_url=address, trust_env=False) as client:
        while True:
            try:
                await client.get("/health/live")
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return


async def test_with_postgresql_stopped_and_the_redirect_killed_everybody_who_was_answered_is_out_once(
    postgres: EmbeddedPostgres,  # noqa: F811 # a fixture
    environment: dict[str, str],  # noqa: F811
    tmp_path: Path,
) -> None:
    database = Database(postgres.url("linkwake"), 2)
    async with database.transaction() as session:
        organization, _ = await create_organization(session, "Test organization")
    mails = await send_mails(database, organization.id, people=4)
    paths = [mails.path(TokenCodec([bytes.fromhex(KEY)]), person) for person in range(4)]

    with redirect(environment) as address:
        await reachable(address)
        async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=30) as client:
            assert "<button>Unsubscribe</button>" in (await client.get(paths[0])).text
            assert (await client.head(paths[0])).status_code == 200
            committed = await client.post(paths[0], data=ONE_CLICK)
            assert await rows(database, OUT) == mails.people[:1]
            await asyncio.to_thread(postgres.stop)
            multipart = await client.post(paths[1], files={"List-Unsubscribe": (None, "One-Click")})
            empty = await client.post(paths[2])
            chosen = await client.post(f"{paths[3]}/preferences", data={"shown": ["email.marketing"]})
            alone = await client.get(paths[1])
        assert [each.status_code for each in (committed, multipart, empty, chosen, alone)] == [200] * 5
        assert spooled(tmp_path) > 0
        # The process is killed here.
    with redirect(environment):
        await asyncio.to_thread(postgres.start)
        await asyncio.to_thread(postgres.wait_until_ready)
        await until(lambda: spooled(tmp_path) == 0)
    assert await rows(database, OUT) == sorted(mails.people)
    scopes = await rows(database, "SELECT medium, message_kind FROM consent ORDER BY contact_id")
    assert scopes == [(None, None), (None, None), (None, None), ("email", "marketing")]
    await database.close()
