"""The demo's result for people: what was clicked from where, who branched, and one contact's conversation."""

from typing import Any

from rich.columns import Columns
from rich.console import Console
from rich.table import Table

from demo.check import Checked


def print_tables(checked: Checked) -> None:
    console = Console()
    campaign, sequence = checked.document["campaign"], checked.document["sequence"]
    totals = {name: value for name, value in campaign.items() if not isinstance(value, dict)}
    console.print(
        Columns([_counts("Campaign", totals), _counts("Sequence", sequence), _counts("Triggers", checked.document["triggers"])])
    )
    console.print(Columns([_counts(name.capitalize(), campaign[name]) for name in ("countries", "cities", "devices")]))
    console.print(_conversation(checked.document["conversation"]))
    if checked.consistent:
        console.print("[green]Every number agrees[/] with the rows and with what was clicked.")
    else:
        console.print(f"[red]{len(checked.differences)} numbers differ[/], see above.")


def _counts(title: str, counts: dict[str, Any]) -> Table:
    table = Table("", "", title=title, show_header=False)
    for name, count in counts.items():
        table.add_row(name.replace("_", " "), str(count))
    return table


def _conversation(entries: list[dict[str, Any]]) -> Table:
    table = Table("time (UTC)", "what", "", title="One contact's conversation")
    for entry in entries:
        table.add_row(entry["at"][11:19], entry["kind"], _line(entry))
    return table


def _line(entry: dict[str, Any]) -> str:
    match entry["kind"]:
        case "message":
            return str(entry["body"] or entry["reason"])
        case "click":
            place = ", ".join(filter(None, (entry["city"], entry["country"])))
            return (
                f"{entry['link']['name'] or entry['link']['url']} from {place or 'an unknown place'} on a {entry['device_type']}"
            )
        case "consent":
            return f"{entry['state']} ({entry['source']})"
        case "inbound_message":
            return str(entry["body"] or entry["meaning"])
        case "trigger" | "trigger_refusal" | "suppression":
            return str(entry["summary"])
        case _:
            words = (entry["event"], entry["step_key"], entry["outcome"], f"→ {entry['branch']}" if entry["branch"] else None)
            return " ".join(filter(None, words))
