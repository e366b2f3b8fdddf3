"""A click within two seconds of the send: nobody has the message yet, but the machines on its way do.

The redirect does not know when a message was sent, so this is asked of the rows, at delivery and at recording, by the same rule.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

REASON = "early"

EARLY = timedelta(seconds=2)
"""After the provider has accepted the message. A phone shows a message some seconds later, and then somebody has to read it."""

# From when on the click of a person can come. While the provider is being called: not yet, but most have delivered within ten
# seconds, and when a sender dies between the delivery and its record, the message stays in `sending` for a minute. NULL: nobody
# knows, or it is the simulator, whose messages are there in the moment of the send, for programs that click at once.
SENT_AT = """
    CASE WHEN channel.kind = 'simulator' THEN NULL
         WHEN message.state = 'sending' THEN least(now(), message.sending_at + interval '10 seconds')
         ELSE message.accepted_at END
"""


def is_early(clicked_at: datetime, sent_at: datetime | None) -> bool:
    """`sent_at` as `SENT_AT` gives it."""
    return sent_at is not None and clicked_at < sent_at + EARLY


def made_at(click_id: UUID) -> datetime:
    """When a click was made, in milliseconds: its id is a UUIDv7."""
    return datetime.fromtimestamp((click_id.int >> 80) / 1000, UTC)
