"""Every kind of effect and what does it. A new kind is a file of this package and a line here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from activities.delivery import Delivery
from activities.steps.base import Doing, Writing
from activities.steps.enroll import Enroll
from activities.steps.notify import Notify
from activities.steps.send import Send
from activities.steps.stop_other import StopOther
from activities.steps.update_contact import UpdateContact
from models.database import Database
from models.organizations.limits import Limits
from services.composing.threads import Composing
from services.pacing.pacing import Pacing


@dataclass(frozen=True)
class Effects:
    """Those that take time, and the instant ones, by the word of their kind."""

    doing: Mapping[str, Doing[Any]]
    writing: Mapping[str, Writing[Any]]


def build_effects(
    database: Database, composing: Composing, pacing: Pacing, delivery: Delivery, limits: Limits | None = None
) -> Effects:
    return Effects(
        doing={
            "send": Send(database, composing, pacing, delivery, limits),
        },
        writing={
            "update_contact": UpdateContact(),
            "enroll": Enroll(limits),
            "stop_other": StopOther(),
            "notify": Notify(),
        },
    )
