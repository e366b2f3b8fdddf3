"""The embedded Temporal server keeps its state and ends with its supervisor."""

from pathlib import Path

import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client

from stack.errors import StackError
from stack.temporal import EmbeddedTemporal, answers, free_port
from tests.stack.dummies import kill_and_wait, python

KEEPER = """
import sys, time
from pathlib import Path
from stack.temporal import EmbeddedTemporal
with EmbeddedTemporal(Path(sys.argv[1])) as server:
    print(server.child.pid, flush=True)
    time.sleep(600)
"""


def test_a_server_that_cannot_start_is_reported_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "temporal.db").write_text("this is no database" * 100)
    with (
        pytest.raises(StackError, match=r"Temporal ended with status 1 while starting[\s\S]*temporal\.log"),
        EmbeddedTemporal(tmp_path),
    ):
        pass


def test_a_server_that_was_not_started_is_never_ready(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="has not been started"):
        EmbeddedTemporal(tmp_path).wait_until_ready()


def test_nothing_answers_where_nobody_listens() -> None:
    assert not answers("127.0.0.1", free_port(), "/")


async def test_a_killed_supervisor_takes_the_server_along_and_the_state_stays(tmp_path: Path) -> None:
    with EmbeddedTemporal(tmp_path, namespace="ours", attributes=("OrgId",)) as server:
        before = await _attributes(server)
    with python(KEEPER, str(tmp_path)) as keeper:
        assert keeper.stdout is not None
        assert kill_and_wait(keeper, [int(keeper.stdout.readline())]) == []
    with EmbeddedTemporal(tmp_path, namespace="ours") as again:
        assert "OrgId" in before
        assert await _attributes(again) == before
        assert answers("127.0.0.1", again.ui_port, "/")


async def _attributes(server: EmbeddedTemporal) -> set[str]:
    client = await Client.connect(server.address, namespace=server.namespace)
    found = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace=server.namespace))
    return set(found.custom_attributes)
