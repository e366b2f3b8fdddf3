"""How far a campaign's launch is after each page. Pure, so that every order of answers can be tried."""

from datetime import datetime
from typing import Any

import workflows.policies as policies
from models.wire.campaigns import CampaignPageResult, CampaignProgress

COUNTS = ("planned", "accepted", "skipped", "failed", "refused")


def insists(done: CampaignProgress) -> bool:
    """Whether the next page goes on behind messages that are refused: the provider takes none, and waiting has not helped."""
    return done.tries >= policies.PROVIDER_TRIES - 1


def after_page(done: CampaignProgress, page: CampaignPageResult, at: datetime) -> CampaignProgress:
    """The launch goes on behind the page. After the last page it begins again at the first of those who were refused for now,
    five minutes later, round after round, until everybody has the message or it was given up (services/refusal.py)."""
    changes: dict[str, Any] = {"cursor": page.cursor, "later_at": page.later_at, "tries": _tries(done, page)}
    if not done.sent_all:
        changes |= {name: getattr(done, name) + getattr(page, name) for name in COUNTS}
    elif page.last:
        changes |= {name: getattr(page, name) for name in COUNTS}
    if page.last:
        changes |= {"cursor": None, "sent_all": True, "later_at": at + policies.REFUSED_AGAIN}
    return done.model_copy(update=changes)


def _tries(done: CampaignProgress, page: CampaignPageResult) -> int:
    if page.sent:
        return 0
    return done.tries + 1 if page.later_at and not page.paced else done.tries
