"""One line of plain English that says whether a team has been told."""

from models.notifications.notification import ItemState, NotificationState


def told_sentence(team: str, item: ItemState | None) -> str:
    """Returns for example `Sales notified`, `Sales is to be told (waits: the service answered 500)`, or `could not notify Sales
    (the target was deleted)`. None stands for an item that was told, and deleted a day later."""
    if item is None or item.state == NotificationState.SENT:
        return f"{team} notified"
    if item.state == NotificationState.OPEN:
        return f"{team} is to be told" + (f" (waits: {clause(item.error)})" if item.error else "")
    return f"could not notify {team}" + (f" ({clause(item.error)})" if item.error else "")


def clause(sentence: str) -> str:
    """Turns `The service answered 500.` into `the service answered 500`. Names such as API_URL stay as they are."""
    begin = sentence[:1].lower() if sentence[1:2].islower() or sentence[1:2] == " " else sentence[:1]
    return (begin + sentence[1:]).removesuffix(".")
