"""Reads the form of the preference page."""

from collections.abc import Sequence
from urllib.parse import parse_qs

from api.redirect.unsubscribing.pages import SHOWN, WANTED
from models.channels.channel import Medium
from models.consent.preferences import Preference
from models.messages.message import MessageKind

MOST_FIELDS = 20
_BOXES = {f"{medium}.{kind}": (medium, kind) for medium in Medium for kind in MessageKind}


def read_choices(body: bytes) -> Sequence[Preference]:
    """Returns a choice for each box that the page had. Boxes that no page has are left out. A body that is no such form has no
    choices."""
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=MOST_FIELDS)
    except ValueError:
        return ()
    wanted = set(fields.get(WANTED, ()))
    shown = dict.fromkeys(box for box in fields.get(SHOWN, ()) if box in _BOXES)
    return tuple(Preference(*_BOXES[box], wanted=box in wanted) for box in shown)
