"""The notification that a target's test sends: about an invented person, with the target's own text."""

from datetime import timedelta
from uuid import UUID

from models.base import now
from services.notifications.text import Bundle, Told, Written, write
from tracking.templates.template import SOMEBODY

SECONDS_BETWEEN_TESTS = timedelta(seconds=10)


def example(template: str | None, target: str, organization: str, console_url: str) -> Written:
    place = {"country": "GB", "city": "London", "device": "phone"}
    told = Told(UUID(int=0), SOMEBODY, "offer", "clicked", now(), "a test from Linkwake", place)
    return write(template, Bundle([told], 1, target, organization, console_url))
