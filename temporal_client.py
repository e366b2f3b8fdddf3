"""One way to connect to Temporal, for every role and tool: same data converter, same standard variables."""

from typing import Any

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig

from settings import Settings


async def connect(settings: Settings, lazy: bool = False) -> Client:
    """Address and namespace from Settings; TLS and API key from Temporal's standard variables and profile file.

    `lazy`: do not fail when the server is away; the first call connects.
    """
    config: dict[str, Any] = dict(ClientConfig.load_client_connect_config())
    config |= {"target_host": settings.effective_temporal_address, "namespace": settings.temporal_namespace}
    return await Client.connect(**config, data_converter=pydantic_data_converter, lazy=lazy)
