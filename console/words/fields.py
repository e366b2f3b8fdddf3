"""Fields as the console's forms call them: the API's names of them are for programs."""

import re

LABELS = {
    "name": "Name",
    "channel": "Channel",
    "message": "Message",
    "message.kind": "Kind",
    "message.subject": "Subject",
    "message.body": "Text",
    "message.html": "HTML",
    "message.valid_for": "Worth sending for",
    "link": "Link",
    "key": "Name",
    "times": "How often",
    "within": "Time",
    "segment_id": "Segment",
    "sequence_id": "Sequence",
    "target": "Notification target",
    "tags": "Tags",
    "link_tracking": "Link tracking",
    "link_domain": "Link domain",
    "audience": "Audience",
    "first_name": "First name",
    "last_name": "Last name",
    "phone": "Phone",
    "email": "E-mail",
    "external_id": "External id",
    "time_zone": "Time zone",
    "properties": "Properties",
    "destination": "Leads to",
    "slug": "Slug",
    "host": "Host",
    "role": "Role",
    "expires_at": "Expires on",
}
_PLACE = re.compile(r"triggers\[(\d+)\](?:\.actions\[(\d+)\])?(?:\.(.+))?")


def label_of(field: str) -> str:
    """Returns for example `Trigger 1, action 2: Text` for `triggers[0].actions[1].message.body`."""
    placed = _PLACE.fullmatch(field)
    if placed is None:
        return _label(field)
    place = f"Trigger {int(placed[1]) + 1}" + (f", action {int(placed[2]) + 1}" if placed[2] else "")
    return f"{place}: {_label(placed[3])}" if placed[3] else place


def _label(field: str) -> str:
    if field.startswith("message.links"):
        name = field.removeprefix("message.links").strip(".")
        return f"Link {name}".strip()
    return LABELS.get(field) or LABELS.get(field.split(".")[0].split("[")[0]) or field
