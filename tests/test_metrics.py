"""`docs/metrics.md` lists exactly what the three processes give to Prometheus."""

import re
from pathlib import Path
from unittest.mock import Mock

from prometheus_client.core import Metric

from activities.deliver_signals import SignalDelivery
from activities.record_clicks import Meters as RecorderMeters
from api.metrics import queue_metrics
from api.redirect.journal import Counts
from api.redirect.metrics import Meters, Metrics
from models.queues import Queues

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
    delivery = SignalDelivery(Mock(), Mock(), Mock())
    meters = Meters()
    metrics = Metrics(meters, journal, delivery, dict)
    assert given(*meters.read(), *metrics.read(), *delivery.read()) == listed("Redirect")


def test_the_apis_metrics_are_those_of_the_page() -> None:
    assert given(*queue_metrics(Queues(0, 0, 0.0, 0, 0.0))) == listed("API")


def test_the_workers_metrics_are_those_of_the_page() -> None:
    delivery = SignalDelivery(Mock(), Mock(), Mock())
    assert given(*RecorderMeters().read(), *delivery.read()) == listed("Worker")
