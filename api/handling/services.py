"""The objects with which the API's handlers work, made once by `api/app.py`."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from temporalio.client import Client

from api.callbacks.callbacks import Callbacks
from api.callers.key_uses import KeyUses
from api.callers.refused_keys import RefusedKeys
from api.events.live_events import LiveEvents
from api.events.missed_events import MissedEvents
from api.http.body_memory import BodyMemory
from api.http.shared_work import SharedWork
from models.database import Database
from models.organizations.quotas import ActiveEnrollments
from services.channels.base import Outside
from services.commands.deliver import CommandDelivery
from services.judging.judge import Judge
from services.notifications.delivery import NotificationDelivery
from services.process.turns import Turns
from services.secrets.secrets import Secrets
from services.starter import Starter
from services.way_out.way_out import WayOut
from settings import Settings


@dataclass(frozen=True)
class Services:
    """All `…turns` and `body_memory` are what organizations share of this process. `key_uses` and `refused_keys` are what it
    remembers of their keys. `active` counts their enrollments, `judge` reads their texts, and `commands` delivers what was asked
    of enrollments. `secrets` encrypts what must not be read in the database, `notifications` tells teams, and `outside` is what
    channels need when they are tested. `callbacks` is what the providers' requests share of this process, `export_pages` are the
    connections that the exports of all organizations use together, `live` reads events for its
    streams, and `missed_events` for those that are behind.
    `readiness` is what all who ask for the health share."""

    settings: Settings
    database: Database
    temporal: Client
    starter: Starter
    judge: Judge = field(default_factory=Judge)
    key_uses: KeyUses = field(default_factory=KeyUses)
    refused_keys: RefusedKeys = field(default_factory=RefusedKeys)
    # Whoever sends hundreds at once is looked up in a line of their own, and leaves the connections to others.
    lookup_turns: Turns = field(default_factory=lambda: Turns(2, 1_000, "requests with one key or session"))
    turns: Turns = field(init=False)
    large_turns: Turns = field(init=False)
    page_turns: Turns = field(init=False)
    file_turns: Turns = field(init=False)
    test_turns: Turns = field(default_factory=lambda: Turns(1, 0, "tests of channels and notification targets"))
    proof_turns: Turns = field(default_factory=lambda: Turns(1, 0, "proofs"))
    row_turns: Turns = field(default_factory=lambda: Turns(1, 0, "reports and lists with several filters"))
    part_turns: Turns = field(default_factory=lambda: Turns(1, 3, "reports with a filter"))
    export_turns: Turns = field(default_factory=lambda: Turns(2, 0, "exports"))
    export_pages: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    body_memory: BodyMemory = field(init=False)
    readiness: SharedWork[Any] = field(default_factory=SharedWork)
    callbacks: Callbacks = field(default_factory=Callbacks)
    active: ActiveEnrollments = field(default_factory=ActiveEnrollments)
    commands: CommandDelivery = field(init=False)
    secrets: Secrets = field(init=False)
    notifications: NotificationDelivery = field(init=False)
    outside: Outside = field(init=False)
    live: LiveEvents = field(init=False)
    missed_events: MissedEvents = field(init=False)

    def __post_init__(self) -> None:
        waiting = self.settings.organization_queue
        object.__setattr__(self, "commands", CommandDelivery(self.database, self.temporal))
        object.__setattr__(self, "secrets", Secrets(self.settings.effective_secret_keys))
        way_out = WayOut(local=self.settings.allow_local_addresses)
        object.__setattr__(self, "notifications", NotificationDelivery(way_out))
        object.__setattr__(self, "outside", Outside(self.database, way_out, self.settings))
        live = LiveEvents(self.settings.effective_database_url, self.settings.organization_streams)
        object.__setattr__(self, "live", live)
        missed_events = MissedEvents(self.database, self.settings.organization_streams)
        object.__setattr__(self, "missed_events", missed_events)
        object.__setattr__(self, "turns", Turns(self.settings.organization_requests, waiting))
        # Most large requests need a lock of the database in any case, and wait for it here without a connection.
        object.__setattr__(
            self, "large_turns", Turns(1, waiting, "bulk requests, imports, segments and pages of more than 100 rows")
        )
        # A page has turns of its own, because what it asks of the API takes those of requests.
        object.__setattr__(self, "page_turns", Turns(self.settings.organization_requests, waiting, "pages"))
        object.__setattr__(self, "file_turns", Turns(1, waiting, "forms with a file"))
        object.__setattr__(self, "body_memory", BodyMemory(self.settings.organization_body_bytes))
