"""Counts on the way of a click at the price of a list index, and lets Prometheus read the counts. See `docs/metrics.md`."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

SECONDS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)
BATCH = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


class Histogram:
    """`bounds` are the inclusive upper ends of the buckets. One thread writes, and a reader may miss the last value."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def counts(self) -> dict[str, int]:
        """By the upper ends of the buckets, as texts; that of the last one is empty."""
        return dict(zip([*map(str, self._bounds), ""], self._counts, strict=True))

    def family(self, name: str, about: str) -> HistogramMetricFamily:
        ends = [*map(str, map(float, self._bounds)), "+Inf"]
        buckets = list(zip(ends, map(float, accumulate(self._counts)), strict=True))
        return HistogramMetricFamily(name, about, buckets=buckets, sum_value=self._sum)


def counter(name: str, about: str, label: Sequence[str], values: Mapping[tuple[str, ...], float]) -> CounterMetricFamily:
    """One series for each key of `values`, whose parts are the values of the labels."""
    family = CounterMetricFamily(name, about, labels=label)
    for key, value in list(values.items()):
        family.add_metric(key, value)
    return family


def gauges(name: str, about: str, label: str, values: Mapping[tuple[str], float]) -> GaugeMetricFamily:
    """One series for each value of the label."""
    family = GaugeMetricFamily(name, about, labels=[label])
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)


class _Read(Collector):
    def __init__(self, read: Callable[[], Iterable[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        yield from self._read()


def registry(*reads: Callable[[], Iterable[Metric]], process: bool = True) -> CollectorRegistry:
    """What is read at each scrape. With `process`, this process's memory, processor time and open files are included."""
    made = CollectorRegistry()
    if process:
        ProcessCollector(registry=made)
    for read in reads:
        made.register(_Read(read))
    return made
