"""Tells the teams: bundles what waits, claims what is due, sends it, and writes down what became of it.

A notification is claimed and committed before it is sent, and recorded afterwards. When the process dies in between, it is sent
a second time when the lease is over, with the same reference: a team is told at least once.
"""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import groupby
from time import monotonic

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from models.database import Database
from models.notifications import claim
from models.notifications.claim import DueNotification, ItemRow
from models.notifications.given_up import mark_given_up
from safe_errors import OwnWords, describe
from services.notifications.addresses import address_place
from services.notifications.delivery import NotificationDelivery
from services.notifications.text import NAMED, Bundle, Told, Written, write
from services.process.crashpoint import crashpoint
from services.secrets.secrets import Secrets

AT_ONCE, SHARE = 50, 10
"""The notifications that are sent at the same time, and those of one organization among them."""
LEASE = timedelta(minutes=2)
"""Longer than one notification can take."""
TARGETS = 500
TEXTS = 3
"""The different texts of actions that one notification tells. Items with others are only counted."""
FIRST_RETRY, LAST_RETRY = timedelta(seconds=30), timedelta(hours=1)
PATIENCE = timedelta(days=1)
"""A notification that could not be sent for this long is given up."""
KEPT = timedelta(days=1)
PAGE = 10_000
"""The actions that one round marks as failed at most, and the items that it deletes. The next round goes on."""
LOOK = 1.0
"""Seconds after which new work is looked for while something is being sent."""
LONGEST = 120.0
"""Seconds after which a round takes no new work."""

log = structlog.get_logger()


def retry_delay(attempts: int) -> timedelta:
    """Returns 30 s, 1 min, 2 min … and at most an hour. `attempts` counts from 1."""
    return min(FIRST_RETRY * int(2 ** min(attempts - 1, 10)), LAST_RETRY)


class Notifier:
    def __init__(
        self, database: Database, secrets: Secrets, delivery: NotificationDelivery, interval: timedelta, console_url: str
    ) -> None:
        """`interval` is the least time between two notifications of one target, `console_url` where their links lead."""
        self._database = database
        self._secrets = secrets
        self._delivery = delivery
        self._interval = interval
        self._console_url = console_url
        self._thread = ThreadPoolExecutor(1, "notifications")  # whatever these texts cost, no other thread waits for them

    async def round(self) -> Counter[str]:
        """Sends all that is due. A target that is slow holds up nobody: meanwhile others are looked for. Returns how many were
        `sent` and how many `failed`."""
        done: Counter[str] = Counter()
        begun = monotonic()
        under_way: dict[asyncio.Task[bool], DueNotification] = {}
        try:
            while True:
                if monotonic() - begun < LONGEST:
                    for each in await self._take(under_way):
                        under_way[asyncio.create_task(self._tell(each))] = each
                if not under_way:
                    break
                ready, _ = await asyncio.wait(under_way, timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
                for task in ready:
                    del under_way[task]
                    done["sent" if task.result() else "failed"] += 1
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
        async with self._database.transaction() as session:
            await mark_given_up(session, PAGE)
            await claim.forget_told(session, KEPT, PAGE)
        return done

    async def wait(self) -> timedelta | None:
        """Returns the time until something is due, or None when nothing waits."""
        async with self._database.transaction() as session:
            return await claim.next_due(session)

    async def _take(self, under_way: dict[asyncio.Task[bool], DueNotification]) -> list[DueNotification]:
        room = AT_ONCE - len(under_way)
        if room <= 0:
            return []
        at_work = Counter(each.org_id for each in under_way.values())
        busy = [org_id for org_id, number in at_work.items() if number >= SHARE]
        async with self._database.transaction() as session:
            while await claim.bundle_items(session, self._interval, TARGETS) == TARGETS:
                pass
            taken = await claim.claim_notifications(session, room, SHARE, LEASE, busy)
        if taken:
            crashpoint("notification_claimed")
        return taken

    async def _tell(self, notification: DueNotification) -> bool:
        """Whether it was sent. Whatever goes wrong concerns this notification alone."""
        try:
            written = await self._write(notification)
            place = address_place(notification.org_id, notification.target_id)
            address = self._secrets.decrypt(notification.address or b"", place)
            await self._delivery.send(address, written, notification.id)
        except Exception as error:
            await self._record(notification, error)
            return False
        crashpoint("notification_sent")
        await self._record(notification, None)
        return True

    async def _record(self, notification: DueNotification, error: Exception | None) -> None:
        """When this cannot be written, the lease ends and the notification is sent again."""
        try:
            async with self._database.transaction() as session:
                if error is None:
                    await claim.mark_sent(session, notification, self._interval)
                else:
                    await self._mark_failed(session, notification, error)
        except Exception as unwritten:
            log.warning("what became of a notification was not recorded", notification_id=str(notification.id), error=unwritten)

    async def _mark_failed(self, session: AsyncSession, notification: DueNotification, error: Exception) -> None:
        reason = str(error) if isinstance(error, OwnWords) else f"It could not be sent ({describe(error)})."
        log.warning("notification could not be sent", notification_id=str(notification.id), error=error)
        await claim.mark_failed(session, notification, reason, retry_delay(notification.attempts), PATIENCE)

    async def _write(self, notification: DueNotification) -> Written:
        async with self._database.transaction() as session:
            rows = await claim.first_items(session, notification.id, NAMED, TEXTS)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._write_all, notification, rows)

    def _write_all(self, notification: DueNotification, rows: list[ItemRow]) -> Written:
        parts: list[Written] = []
        told = 0
        for template, group in groupby(rows, lambda row: row.text):
            found = list(group)
            told += found[0].items
            items = [Told(**{name: getattr(row, name) for name in Told.__dataclass_fields__}) for row in found]
            bundle = Bundle(items, found[0].items, notification.target, notification.organization, self._console_url)
            parts.append(write(template or notification.text, bundle))
        if not parts:
            return Written("Nothing to tell", "What this was about has been deleted.")
        rest = notification.count - told
        texts = [part.text for part in parts] + ([f"and {rest:,} more"] if rest > 0 else [])
        return Written(parts[0].title, "\n\n".join(texts))
