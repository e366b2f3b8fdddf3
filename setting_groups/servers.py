"""Settings of the servers: where PostgreSQL and Temporal are, where our own processes listen, and how they log."""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, field_validator

from setting_groups.readers import PortNumber, whole

_POSTGRESQL = re.compile(r"postgres(ql)?(\+\w+)?://")  # the part after + names a driver, and ours is used in any case
_HOST_AND_PORT = re.compile(r"[^\s/?#@]+:\d+")


class ServerSettings(BaseModel):
    """PostgreSQL, Temporal, ports and logs."""

    var_dir: Path = Field(Path("var"), description="Where the embedded servers keep their data, relative to the project.")

    database_url: str | None = Field(None, description="PostgreSQL 16 or newer; empty: the embedded server.")
    database_pool_size: Annotated[int, whole(1)] = Field(8, description="Connections for each process.")
    temporal_address: str | None = Field(None, description="host:port; empty: a profile's, or the embedded server.")
    temporal_namespace: str | None = Field(None, description="Temporal namespace; empty: a profile's, or default.")
    temporal_ui_url: str | None = Field(None, description="Public address of the Temporal UI, for links to it.")

    api_host: str = "127.0.0.1"
    api_port: PortNumber = 8000
    redirect_host: str = "127.0.0.1"
    redirect_port: PortNumber = 8001
    worker_metrics_port: PortNumber | None = Field(
        None, description="Where the worker answers /metrics, to everybody who can reach it; empty: nowhere."
    )
    temporal_port: PortNumber = Field(7233, description="Embedded Temporal server only.")
    temporal_ui_port: PortNumber = Field(8233, description="Embedded Temporal server only.")

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"

    @field_validator("var_dir")
    @classmethod
    def _data_has_a_place_of_its_own(cls, value: Path) -> Path:
        if Path(__file__).parent.parent == value.resolve():
            raise ValueError("write a directory of its own, such as var")
        return value

    @field_validator("database_url")
    @classmethod
    def _database_is_postgresql(cls, value: str | None) -> str | None:
        if value is None or (_POSTGRESQL.match(value) and _has_port(value)):
            if value and urlsplit(value).netloc.count("@") > 1:
                raise ValueError("an @ in the user's name or the password is written %40")
            return value
        raise ValueError("write an address like postgresql://user:password@host:5432/database")

    @field_validator("temporal_address")
    @classmethod
    def _temporal_has_host_and_port(cls, value: str | None) -> str | None:
        if value is None or (_HOST_AND_PORT.fullmatch(value) and _has_port(f"//{value}")):
            return value
        raise ValueError("write host and port, such as temporal.example.com:7233")


def _has_port(address: str) -> bool:
    """Returns whether the port, if there is one, is a number that a port can have."""
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False
