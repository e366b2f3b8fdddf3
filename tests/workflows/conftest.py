"""A Temporal server whose clock jumps over waits, one for all workflow tests."""

from collections.abc import AsyncIterator

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.testing import WorkflowEnvironment

from models.database import Database
from models.reconcile.reconcile import compare
from models.wire.names import SEARCH_ATTRIBUTES
from temporal_client import DATA_CONVERTER
from tests.builders import temporal_binary, watch_servers


@pytest.fixture(scope="session")
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=temporal_binary("temporal-test-server"), data_converter=DATA_CONVERTER
    )
    async with environment:
        watch_servers()
        await environment.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=environment.client.namespace,
                search_attributes=dict.fromkeys(SEARCH_ATTRIBUTES, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD),
            )
        )
        yield environment


@pytest.fixture(autouse=True)
async def counters_equal_rows(database: Database) -> AsyncIterator[None]:
    """Whatever workflows and activities have written in a test, every counter equals its rows afterwards."""
    yield
    assert (await compare(database)).differences == []
