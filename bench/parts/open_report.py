"""How soon a click is seen in a campaign's report that is open in a browser, at a steady 200 clicks a second."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from playwright.async_api import async_playwright
from sqlalchemy import text

from bench.parts.chromium import HOW, chromium
from bench.parts.load import run_load
from bench.parts.trigger_rows import links_of_campaign
from bench.visible import CLICKS, CONNECTIONS, RATE, TIMES, seconds_until_counted, send_to_everybody
from demo.client import Consumer, Stage
from models.database import Database
from settings import Settings
from tracking.tokens.token import TokenCodec

PATIENCE_MS = 300_000.0
"""For each page, because a slow machine needs some time to begin."""
FIGURE = '[data-live="clicks"]'
WATCH = """
(selector) => {
  window.counts = [];
  const look = () => {
    const shown = Number((document.querySelector(selector)?.textContent ?? "0").replace(/[^0-9]/g, ""));
    const last = window.counts.at(-1);
    if (!last || last[1] !== shown) window.counts.push([Date.now() / 1000, shown]);
  };
  look();
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
}
"""


async def seconds_until_seen(
    settings: Settings, database: Database, consumer: Consumer, key: str, directory: Path
) -> Sequence[float] | None:
    """Returns for each click how long after it the report showed so many clicks; None without a browser."""
    if chromium() is None:
        print(HOW, file=sys.stderr)
        return None
    campaign_id = await send_to_everybody(consumer)
    async with database.transaction() as session:
        codec = TokenCodec(settings.effective_token_keys)
        tokens = [codec.encode(*link) for link in await links_of_campaign(session, campaign_id)]
    paths = directory / "paths"
    paths.write_text("\n".join(tokens))
    counts = await _watch(settings, consumer, key, campaign_id, paths)
    async with database.transaction() as session:
        made = [at.timestamp() for at in await session.scalars(text(TIMES), {"campaign_id": campaign_id})]
    return seconds_until_counted(made, counts)


async def _watch(settings: Settings, consumer: Consumer, key: str, campaign_id: UUID, paths: Path) -> list[tuple[float, int]]:
    """Returns (Unix time, clicks that the page showed), in their order."""
    address = f"http://127.0.0.1:{settings.api_port}/console"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = await browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        await page.goto(f"{address}/sign-in")
        await page.get_by_label("API key").fill(key)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/console")
        await page.goto(f"{address}/campaigns/{campaign_id}")
        await page.evaluate(WATCH, FIGURE)
        print(f"{CLICKS:,} clicks, {RATE} a second, beside an open report", file=sys.stderr, flush=True)
        await asyncio.to_thread(run_load, settings.redirect_port, paths, CONNECTIONS, CLICKS / RATE, RATE)

        async def shown() -> int:
            counts: list[list[float]] = await page.evaluate("window.counts")
            return int(counts[-1][1])

        await consumer.until_done(Stage("Clicks that are seen", CLICKS), shown)
        found = [(float(at), int(count)) for at, count in await page.evaluate("window.counts")]
        await browser.close()
    return found
