"""Registers the search attributes by which people find workflows in the Temporal UI.

Their names are in `models/wire/names.py`. The embedded server gets them as arguments when it starts, and the namespace of the
containers gets them from `deploy/temporal-namespace.sh`. This is for a namespace that was made elsewhere.
"""

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client

from models.wire.names import SEARCH_ATTRIBUTES


async def register_search_attributes(client: Client) -> None:
    """Adds those that the client's namespace lacks, all of them keywords. Doing it twice changes nothing."""
    operator, namespace = client.operator_service, client.namespace
    listed = await operator.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))
    missing = {*SEARCH_ATTRIBUTES} - {*listed.custom_attributes}
    if missing:
        keywords = dict.fromkeys(missing, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD)
        await operator.add_search_attributes(AddSearchAttributesRequest(namespace=namespace, search_attributes=keywords))
