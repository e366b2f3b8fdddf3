"""The one way to connect to Temporal, for every role and tool: same data converter, same address, namespace and credentials."""

import logging
from dataclasses import replace
from functools import cache

from temporalio.api.failure.v1 import Failure
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DefaultFailureConverter, PayloadConverter
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

from safe_errors import describe
from settings import Settings


class SafeFailures(DefaultFailureConverter):
    """Every failure of a workflow or an activity passes through here on its way into a history, with all its causes.

    Temporal keeps a failure for weeks and shows it in its UI, so the text of an error that is not ours is left out. Its kind,
    which retry policies name, and the lines of code through which it came are kept.
    """

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        if not isinstance(exception, FailureError):
            safe = ApplicationError(describe(exception), type=type(exception).__name__)
            safe.__traceback__, safe.__cause__ = exception.__traceback__, exception.__cause__
            exception = safe
        super().to_failure(exception, payload_converter, failure)


DATA_CONVERTER = replace(pydantic_data_converter, failure_converter_class=SafeFailures)


@cache
def runtime() -> Runtime:
    """Returns the runtime, one for each process. Log lines of the client's native part take the way of all other lines, so that
    they have the same form: see `stack.roles.logs`."""
    forwarding = LogForwardingConfig(logging.getLogger("temporalio.core"), append_target_to_name=False)
    levels = TelemetryFilter(core_level="WARN", other_level="ERROR")
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter=levels, forwarding=forwarding)))


async def connect(settings: Settings, lazy: bool = False) -> Client:
    """Raises SettingsError without an address. With `lazy`, it does not fail when the server is away: the first call connects."""
    where = {"target_host": settings.effective_temporal_address, "namespace": settings.effective_temporal_namespace}
    options = {**settings.temporal_client, **where, "data_converter": DATA_CONVERTER, "runtime": runtime()}
    return await Client.connect(**options, lazy=lazy)
