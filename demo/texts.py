"""What the demo sends: the campaign, its follow-up and the sequences, as an API consumer writes them."""

from typing import Any

OFFER = "https://www.example.com/autumn?source=sms"
GUIDE = "https://www.example.com/guide"
CALL = "https://www.example.com/call"
DESTINATIONS = {OFFER, GUIDE, CALL}
TEAM = "Sales"
ENGAGED = "engaged"

# Long enough that every clicker is in time on a slow machine, short enough to watch.
TIMEOUT_SECONDS = 15

FOLLOW_UP: dict[str, Any] = {
    "name": "After the click",
    "steps": [
        {
            "kind": "send",
            "key": "welcome",
            "channel": "simulator-sms",
            "message": {"body": "Glad you like it, {{ contact.first_name }}!"},
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
            "message": {
                "subject": "Your guide is waiting",
                "body": "{{ contact.first_name }}, it is still here: " + GUIDE + "\n\nUnsubscribe: {{ unsubscribe_url }}",
            },
        },
        {"kind": "end", "key": "done"},
    ],
}


DEMO_CALL: dict[str, Any] = {
    "name": "Demo call",
    "steps": [
        {
            "kind": "send",
            "key": "invitation",
            "channel": "simulator-sms",
            "message": {"body": "{{ contact.first_name }}, we call you about {{ enrollment.variables.topic }}."},
        }
    ],
}


def welcome(demo_call: str) -> dict[str, Any]:
    """Whoever clicks leaves this sequence and enters the other one, whose id is `demo_call`."""
    enroll = {"kind": "enroll", "sequence_id": demo_call, "variables": {"topic": "your project"}}
    return {
        "name": "Welcome",
        "steps": [
            {
                "kind": "send",
                "key": "hello",
                "channel": "simulator-sms",
                "message": {"body": "Welcome, {{ contact.first_name }}! A call? {{ links.call }}", "links": {"call": CALL}},
            },
            {"kind": "wait", "key": "pause", "duration": "P1D"},
        ],
        "triggers": [{"key": "move", "link": "call", "actions": [{"kind": "leave"}, enroll]}],
    }


def campaign(follow_up: str, team: bool) -> dict[str, Any]:
    """A click on the offer tags the contact, sends a code, notifies the team if there is one, and starts the follow-up, which is
    the id of a published sequence."""
    actions: list[dict[str, Any]] = [
        {"kind": "tag", "tags": [ENGAGED]},
        {"kind": "send", "channel": "simulator-sms", "message": {"body": "Thank you! Your code is AUTUMN."}},
        *([{"kind": "notify", "target": TEAM}] if team else []),
        {"kind": "enroll", "sequence_id": follow_up},
    ]
    return {
        "name": "Autumn offer",
        "channel": "simulator-sms",
        "message": {"body": "{{ contact.first_name }}, 20 % off today: {{ links.offer }}", "links": {"offer": OFFER}},
        "audience": {"tags": ["demo"]},
        "triggers": [{"key": "interested", "link": "offer", "actions": actions}],
    }
