"""Which addresses are this server's, by its settings."""

from pathlib import Path

import pytest

from services.link_domains.server_hosts import server_hosts
from settings import Settings
from tracking.links.hosts import endpoint_of


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("http://127.0.0.1:8233/namespaces", True),
        ("http://localhost:7233/", True),
        ("http://localhost:9464/metrics", True),
        ("http://localhost:3000/", False),
        ("https://shop.test/", False),
    ],
)
def test_temporal_and_its_ui_on_this_machine_are_part_of_the_server(tmp_path: Path, address: str, ours: bool) -> None:
    settings = Settings(
        _env_file=None,
        var_dir=tmp_path,
        temporal_address="127.0.0.1:7233",
        temporal_ui_url="http://127.0.0.1:8233",
        worker_metrics_port=9464,
    )
    assert server_hosts(settings).are(endpoint_of(address)) is ours


def test_a_temporal_elsewhere_makes_no_port_of_this_machine_the_servers(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, var_dir=tmp_path, temporal_address="temporal.test:7233")
    assert not server_hosts(settings).are(endpoint_of("http://127.0.0.1:7233/"))
    assert not server_hosts(settings).are(endpoint_of("http://temporal.test:7233/"))
