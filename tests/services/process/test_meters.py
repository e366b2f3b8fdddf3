"""Histograms as Prometheus counts: cumulative buckets, inclusive upper ends."""

from prometheus_client import generate_latest

from services.process.meters import Histogram, counter, registry


def test_a_value_above_all_bounds_is_in_the_last_bucket_only() -> None:
    histogram = Histogram((1, 5))
    for value in (9, 5, 1, 0.5):
        histogram.add(value)
    text = generate_latest(registry(lambda: [histogram.family("size", "Sizes.")], process=False)).decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines == [
        'size_bucket{le="1.0"} 2.0',
        'size_bucket{le="5.0"} 3.0',
        'size_bucket{le="+Inf"} 4.0',
        "size_count 4.0",
        "size_sum 15.5",
    ]


def test_a_counter_has_one_series_for_each_key() -> None:
    family = counter("clicks", "Clicks.", ["verdict", "reason"], {("human", "browser"): 2, ("bot", "crawler"): 1})
    assert [(each.labels["reason"], each.value) for each in family.samples] == [("browser", 2), ("crawler", 1)]
