"""`docs/ops.md` says what Temporal's list can be asked."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from models.wire.names import SEARCH_ATTRIBUTES, Stage
from services.process.task_problems import QUERY, count_task_problems
from worker import WORKFLOWS

PAGE = (Path(__file__).parent.parent / "docs" / "ops.md").read_text()
QUERIES = re.findall(r"^\| [^|]+\? \| `([^`]+)` \|$", PAGE, re.MULTILINE)


@workflow.defn
class AlwaysFails:
    @workflow.run
    async def run(self) -> None:
        raise RuntimeError("a task that fails is tried again for ever")


@pytest.mark.parametrize("query", QUERIES)
async def test_each_query_of_the_page_can_be_asked(temporal: Client, query: str) -> None:
    assert (await temporal.count_workflows(query)).count >= 0


def test_the_page_explains_every_search_attribute_and_every_stage() -> None:
    explained = set(re.findall(r"`(\w+)`", PAGE))
    assert {*SEARCH_ATTRIBUTES, *get_args(Stage)} <= explained
    assert QUERY.replace("'", '"') in QUERIES


def test_the_page_names_every_workflow_and_every_signal() -> None:
    definitions = [workflow._Definition.must_from_class(each) for each in WORKFLOWS]
    for each in definitions:
        assert f"| `{each.name}` |" in PAGE
        assert [name for name in each.signals if f"\n| `{name}` | " not in PAGE] == []
    assert sum(len(each.signals) for each in definitions) >= 6


async def test_a_workflow_whose_task_fails_twice_is_counted(temporal: Client) -> None:
    runner = UnsandboxedWorkflowRunner()
    async with Worker(temporal, task_queue="always-fails", workflows=[AlwaysFails], workflow_runner=runner):
        quick = timedelta(seconds=1)  # after the first failure the library lets the task time out
        handle = await temporal.start_workflow(AlwaysFails.run, id="always-fails", task_queue="always-fails", task_timeout=quick)
        async with asyncio.timeout(60):
            while not await count_task_problems(temporal):  # noqa: ASYNC110 - what is waited for is in the server
                await asyncio.sleep(0.1)
        await handle.terminate()
