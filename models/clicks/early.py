"""A click within two seconds of the send. Nobody has the message yet, except the machines on its way.

The redirect does not know when a message was sent, so the rows are asked, at delivery and at recording, by the same rule.
"""

from datetime import datetime, timedelta

EARLY = timedelta(seconds=2)
"""Seconds after the provider has accepted the message. A phone shows a message some seconds later, and then somebody has to read
it."""

# The earliest time of a person's click. While the provider is being called it has not come yet, but most providers have delivered
# within ten seconds, and when a sender dies between the delivery and its record, the message stays in `sending` for a minute.
# NULL means that nobody knows, or that it is the simulator, whose messages are there at the moment of the send, for programs that
# click at once.
SENT_AT = """
    CASE WHEN channel.kind = 'simulator' THEN NULL
         WHEN message.state = 'sending' THEN least(now(), message.sending_at + interval '10 seconds')
         ELSE message.accepted_at END
"""


def is_early(clicked_at: datetime, sent_at: datetime | None) -> bool:
    """`sent_at` is as `SENT_AT` gives it."""
    return sent_at is not None and clicked_at < sent_at + EARLY
