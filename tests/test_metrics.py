"""`docs/metrics.md` lists exactly what the three processes give to Prometheus."""

import re
from pathlib import Path
from unittest.mock import Mock

from prometheus_client.core import Metric

from activities.record_clicks import Meters as RecorderMeters
from activities.run_triggers import RunTriggers
from activities.send_triggered import SendTriggered
from api.callbacks.callbacks import Callbacks
from api.callers.refused_keys import RefusedKeys
from api.ops.metrics import Stored, queue_metrics, workflow_metrics
from api.redirect.background.flood import ClickLimit, Flood
from api.redirect.keeping.journal import Counts
from api.redirect.metrics import Meters, Metrics
from api.redirect.unsubscribing.unsubscribes import Unsubscribes
from models.clicks.queues import Queues
from services.bounces.take_mail import MailTaker
from services.commands.deliver import CommandDelivery
from services.deliver_signals import SignalDelivery

PAGE = (Path(__file__).parent.parent / "docs" / "metrics.md").read_text()
ROW = re.compile(r"^\| `(linkwake_\w+)` \| (.*?) \|", re.MULTILINE)


def listed(section: str) -> dict[str, list[str]]:
    """Name → labels of a section's table."""
    text = PAGE.split(f"## {section}\n")[1].split("\n## ")[0]
    return {name: re.findall(r"`(\w+)`", labels) for name, labels in ROW.findall(text)}


def given(*families: Metric) -> dict[str, list[str]]:
    """As a scrape shows them: counters end in _total."""
    return {
        f"{each.name}_total" if each.type == "counter" else each.name: list(getattr(each, "_labelnames", ())) for each in families
    }


def test_the_redirects_metrics_are_those_of_the_page() -> None:
    journal = Mock(counts=Counts(), spool=Mock(size=0, files=0))
    delivery = SignalDelivery(Mock(), Mock())
    meters = Meters()
    flood = Flood(Mock(), ClickLimit(0))
    commands = CommandDelivery(Mock(), Mock())
    unsubscribes = Unsubscribes(Mock(), Mock(size=0), Mock())
    metrics = Metrics(meters, journal, delivery, flood, dict, [])
    read = [*meters.read(), *metrics.read(), *delivery.read(), *flood.read(), *commands.read(), *unsubscribes.read()]
    assert given(*read) == listed("Redirect")


def test_the_apis_metrics_are_those_of_the_page() -> None:
    queues = queue_metrics(Stored(Queues(0, 0, 0.0, 0, 0.0), [], {}, 0))
    assert given(*queues, *workflow_metrics(0), *RefusedKeys().metrics(), *Callbacks().metrics()) == listed("API")


def test_the_metrics_of_bounces_are_those_of_the_page() -> None:
    assert given(*MailTaker(Mock(), Mock()).read()) == listed("Bounces")


def test_the_workers_metrics_are_those_of_the_page() -> None:
    delivery = SignalDelivery(Mock(), Mock())
    commands = CommandDelivery(Mock(), Mock())
    triggers = RunTriggers(Mock(), {}, Mock())
    sends = SendTriggered(Mock(), Mock())
    read = [*RecorderMeters().read(), *delivery.read(), *commands.read(), *triggers.read(), *sends.read()]
    assert given(*read) == listed("Worker")
