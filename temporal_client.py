"""One way to connect to Temporal, for every role and tool: same data converter, same address, namespace and credentials."""

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from settings import Settings


async def connect(settings: Settings, lazy: bool = False) -> Client:
    """Raises SettingsError without an address. `lazy`: do not fail when the server is away; the first call connects."""
    where = {"target_host": settings.effective_temporal_address, "namespace": settings.effective_temporal_namespace}
    return await Client.connect(**{**settings.temporal_client, **where}, data_converter=pydantic_data_converter, lazy=lazy)
