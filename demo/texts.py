"""What the demo sends: the campaign, its follow-up and the sequence, as an API consumer writes them."""

from typing import Any

OFFER = "https://www.example.com/autumn?source=sms"
GUIDE = "https://www.example.com/guide"
DESTINATIONS = {OFFER, GUIDE}

# Long enough that every clicker is in time on a slow machine, short enough to watch.
TIMEOUT_SECONDS = 15

FOLLOW_UP: dict[str, Any] = {
    "name": "After the click",
    "steps": [
        {
            "kind": "send",
            "key": "welcome",
            "channel": "simulator-sms",
            "message": {"body": "Glad you like it, {{ contact.first_name }}! Your code is AUTUMN."},
        }
    ],
}

SEQUENCE: dict[str, Any] = {
    "name": "Guide",
    "steps": [
        {
            "kind": "send",
            "key": "hello",
            "channel": "simulator-sms",
            "message": {"body": "Hello {{ contact.first_name }}, your guide: {{ links.guide }}", "links": {"guide": GUIDE}},
        },
        {
            "kind": "wait_for_click",
            "key": "wait_for_guide",
            "link": "guide",
            "timeout": f"PT{TIMEOUT_SECONDS}S",
            "on_click": "thanks",
            "on_timeout": "reminder",
        },
        {
            "kind": "send",
            "key": "thanks",
            "channel": "simulator-sms",
            "message": {"body": "Thanks for reading!"},
            "next": "done",
        },
        {
            "kind": "send",
            "key": "reminder",
            "channel": "simulator-email",
            "message": {"subject": "Your guide is waiting", "body": "{{ contact.first_name }}, it is still here: " + GUIDE},
        },
        {"kind": "end", "key": "done"},
    ],
}


def campaign(follow_up: str) -> dict[str, Any]:
    """`follow_up`: id of the published sequence that a click on the offer starts."""
    return {
        "name": "Autumn offer",
        "channel": "simulator-sms",
        "message": {"body": "{{ contact.first_name }}, 20 % off today: {{ links.offer }}", "links": {"offer": OFFER}},
        "audience": {"tags": ["demo"]},
        "trigger": {"link": "offer", "sequence_id": follow_up},
    }
