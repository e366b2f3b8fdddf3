"""Which class does which kind of action. A new kind is a file of this package and a line here."""

from collections.abc import Mapping
from typing import Any

from activities.actions.base import Taking
from activities.actions.enroll import Enroll
from activities.actions.go_to import GoTo
from activities.actions.leave import Leave
from activities.actions.notify import Notify
from activities.actions.set_field import SetField
from activities.actions.tag import Tag, Untag
from models.organizations.limits import Limits
from services.effects.hints import Hints

Actions = Mapping[str, Taking[Any]]


def build_actions(hints: Hints, limits: Limits | None = None) -> Actions:
    return {
        "enroll": Enroll(hints, limits),
        "go_to": GoTo(hints),
        "leave": Leave(hints),
        "notify": Notify(hints),
        "set_field": SetField(),
        "tag": Tag(),
        "untag": Untag(),
    }
