"""The embedded Temporal server keeps its state and ends with its supervisor."""

from contextlib import suppress
from pathlib import Path

import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import ListTaskQueuePartitionsRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError

from services.search_attributes import register_search_attributes
from stack.errors import StackError
from stack.servers.ports import free_port
from stack.servers.temporal import EmbeddedTemporal, answers
from tests.stack.dummies import kill_and_wait, python

KEEPER = """
import sys, time
from pathlib import Path
from stack.servers.temporal import EmbeddedTemporal
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


async def test_a_task_queue_has_one_partition(tmp_path: Path) -> None:
    with EmbeddedTemporal(tmp_path) as server:
        client = await Client.connect(server.address)
        asked = ListTaskQueuePartitionsRequest(namespace=client.namespace, task_queue=TaskQueue(name="any"))
        answer = await client.workflow_service.list_task_queue_partitions(asked)
    assert len(answer.workflow_task_queue_partitions) == len(answer.activity_task_queue_partitions) == 1


async def test_a_search_attribute_that_is_registered_while_the_server_runs_can_soon_be_used(tmp_path: Path) -> None:
    with EmbeddedTemporal(tmp_path, attributes=("OrgId",)) as server:
        client = await Client.connect(server.address)
        await _start(client, "OrgId")  # from now on the server knows its attributes without looking
        with pytest.raises(RPCError, match="Stage"):
            await _start(client, "Stage")
        await register_search_attributes(client)
        while True:
            with suppress(RPCError):
                await _start(client, "Stage")
                break
        while (await client.count_workflows("Stage = 'any'")).count == 0:
            pass


async def _start(client: Client, attribute: str) -> None:
    found_by = TypedSearchAttributes([SearchAttributePair(SearchAttributeKey.for_keyword(attribute), "any")])
    await client.start_workflow("Any", id=attribute, task_queue="any", search_attributes=found_by)


async def _attributes(server: EmbeddedTemporal) -> set[str]:
    client = await Client.connect(server.address, namespace=server.namespace)
    found = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace=server.namespace))
    return set(found.custom_attributes)
