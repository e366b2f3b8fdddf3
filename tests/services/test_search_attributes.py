"""Search attributes in a namespace of the real server."""

from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client

from models.wire.names import SEARCH_ATTRIBUTES
from services.search_attributes import register_search_attributes


async def test_registering_twice_is_the_same_as_once(temporal: Client) -> None:
    for _ in range(2):
        await register_search_attributes(temporal)
    listed = await temporal.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace=temporal.namespace))
    assert set(SEARCH_ATTRIBUTES) <= set(listed.custom_attributes)
