"""A marketing e-mail offers a way to unsubscribe in each part that a person may read.

It is asked when the message is fixed: at the launch, at the publish, and when a trigger is saved. The text is only searched for
the name here. Whether the address shows for a contact is seen when the message is composed (`services/composing/rendering.py`).
"""

import re
from collections.abc import Iterator

from models.channels.channel import Channel
from models.errors import FieldError
from models.messages.message import must_offer_unsubscribe
from models.sequences.steps.message import MessageTemplate
from tracking.templates.template import UNSUBSCRIBE

_NAME = re.compile(rf"\b{UNSUBSCRIBE}\b")


def unsubscribe_errors(message: MessageTemplate, channel: Channel, path: str) -> Iterator[FieldError]:
    """`path` is where the message stands, such as `steps[0].message`."""
    if not must_offer_unsubscribe(channel.medium, message.kind):
        return
    for part, source in (("body", message.body), ("html", message.html)):
        if source is not None and not _NAME.search(source):
            yield FieldError(
                f"{path}.{part}",
                "A marketing e-mail must offer a way to unsubscribe: write {{ unsubscribe_url }} into it, or set kind to "
                '"transactional" if it is one that the person expects, such as a receipt.',
            )
