"""Every setting of Linkwake, typed. The only place that reads the environment.

Names are environment variables in capitals (`database_url` is `DATABASE_URL`); `.env.example` lists
them all and a test keeps the two equal. A missing `DATABASE_URL` or `TEMPORAL_ADDRESS` means: use the
embedded server that `./linkwake up` runs under `VAR_DIR` (see `stack/`). Temporal's own variables and profiles are read by its
library, in `Settings.temporal_client` alone.
"""

import json
import os
import re
from datetime import timedelta
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import ada_url
from pydantic import BeforeValidator, ByteSize, Field, SecretStr, TypeAdapter, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Network = IPv4Network | IPv6Network

_POSTGRESQL = re.compile(r"postgres(ql)?(\+\w+)?://")  # the part after + names a driver; ours is used anyway
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
CALENDAR_UNITS = re.compile(r"\s*[+-]?P[^T]*[YM]")
"""How an ISO 8601 duration begins that has years or months, which pydantic takes for 365 and 30 days."""

_HOST_AND_PORT = re.compile(r"[^\s/?#@]+:\d+")

_SECOND, _HOUR, _DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


def _duration(lowest: timedelta, highest: timedelta, words: str) -> BeforeValidator:
    """Reads seconds, which pydantic takes as numbers only, and ISO 8601; `words` names the bounds."""
    parse = TypeAdapter(timedelta).validate_python

    def read(value: object) -> timedelta:
        try:
            number = isinstance(value, str) and _NUMBER.fullmatch(value.strip())
            found = timedelta(seconds=float(number[0])) if number else parse(value)
        except (ValidationError, OverflowError):
            found = None
        if isinstance(value, str) and CALENDAR_UNITS.match(value):
            raise ValueError("years and months are not always of one length: write days, such as P30D")
        if found is None or not lowest <= found <= highest:
            raise ValueError(f"write seconds (0.5, 10) or an ISO 8601 duration (PT10S, P7D), {words}")
        return found

    return BeforeValidator(read)


def _whole(lowest: int | None = None, highest: int | None = None) -> BeforeValidator:
    """Reads a whole number within these bounds, and says them."""
    bounds = f" from {lowest} to {highest}" if highest is not None else f" of at least {lowest}" if lowest is not None else ""

    def read(value: object) -> int:
        try:
            number = int(str(value))
        except ValueError:
            number = None
        if number is None or (lowest is not None and number < lowest) or (highest is not None and number > highest):
            raise ValueError(f"write a whole number{bounds}")
        return number

    return BeforeValidator(read)


PortNumber = Annotated[int, _whole(1, 65535)]


class Settings(BaseSettings):
    """Read once at start-up by a composition root and handed on; nothing below reads the environment."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    var_dir: Path = Field(Path("var"), description="Where the embedded servers keep their data, relative to the project.")

    database_url: str | None = Field(None, description="PostgreSQL 16 or newer; empty: the embedded server.")
    database_pool_size: Annotated[int, _whole(1)] = Field(8, description="Connections for each process.")
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

    link_domain: str | None = Field(
        None, description="Base address of tracked links; empty: the redirect on this machine. An organization can have its own."
    )
    token_keys: SecretStr | None = Field(
        None,
        description="AES-256 keys of the link tokens, 64 hexadecimal digits each, comma separated; the first one encrypts, all "
        "decrypt. Empty: made once and kept in VAR_DIR. Losing them breaks every link ever sent.",
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")),
        description="Comma separated networks whose X-Forwarded-For is believed.",
    )
    geo_database: Path | None = Field(
        None, description="A GeoLite2, GeoIP2 or DB-IP City file; empty: the demo database of December 2019."
    )

    campaign_page_size: Annotated[int, _whole(1, 2000)] = Field(500, description="Recipients in one send_page activity.")
    campaign_tracking_window: Annotated[timedelta, _duration(_SECOND, 3650 * _DAY, "from 1 second to 3650 days")] = Field(
        timedelta(days=7),
        description="How long a campaign's workflow stays open to show clicks (seconds or ISO 8601). Clicks count for ever.",
    )
    click_budget: Annotated[timedelta, _duration(_SECOND / 1000, 60 * _SECOND, "from 0.001 to 60 seconds")] = Field(
        timedelta(milliseconds=150),
        description="How long a contact waits for PostgreSQL; then the click goes to the spool (seconds or ISO 8601).",
    )
    spool_limit: ByteSize = Field(
        ByteSize(256_000_000),
        description="Clicks that a redirect process keeps on disk while PostgreSQL is away, about 500 bytes each.",
    )
    suspect_hold: Annotated[timedelta, _duration(0 * _SECOND, _HOUR, "from 0 seconds to 1 hour")] = Field(
        timedelta(seconds=10),
        description="How long a click on a message with several links waits at most for its verdict (seconds or ISO 8601); 0: it "
        "is not held, and scanners that look like browsers count as people.",
    )
    miss_limit: Annotated[int, _whole(0)] = Field(
        300, description="Unknown links that one network (/24, /48) may ask for in a minute, then 429; 0: no limit."
    )
    recorder_shards: Annotated[int, _whole(1, 64)] = Field(2, description="ClickRecorder workflows; raise when they fall behind.")
    recorder_batch_rows: Annotated[int, _whole(1, 10000)] = Field(2000, description="Clicks recorded in one transaction.")
    worker_niceness: Annotated[int, _whole(0, 19)] = Field(
        0,
        description="How far the worker and its embedded PostgreSQL processes step back.",
    )
    sweep_interval: Annotated[timedelta, _duration(_SECOND, _HOUR, "from 1 second to 1 hour")] = Field(
        timedelta(seconds=10), description="How often what a crash left behind is looked for (seconds or ISO 8601)."
    )

    drill_seed: Annotated[int, _whole()] | None = Field(
        None, description="Drills only: repeats an earlier one's choices; empty: a new seed."
    )
    drill_outage: Annotated[timedelta, _duration(_SECOND, 120 * _SECOND, "from 1 second to 2 minutes")] = Field(
        timedelta(seconds=30), description="Drills only: how long PostgreSQL does not answer (seconds or ISO 8601)."
    )
    drill_crash: Path | None = Field(None, description="Drills only: the directory in which crash points are armed; empty: off.")

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"

    @field_validator("var_dir")
    @classmethod
    def _data_has_a_place_of_its_own(cls, value: Path) -> Path:
        if Path(__file__).parent == value.resolve():
            raise ValueError("write a directory of its own, such as var")
        return value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

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

    @field_validator("token_keys")
    @classmethod
    def _keys_are_hex(cls, value: SecretStr | None) -> SecretStr | None:
        for key in value.get_secret_value().split(",") if value else []:
            if not _is_key(key):
                raise ValueError("each key must be 64 hexadecimal digits; make one with: openssl rand -hex 32")
        return value

    @field_validator("link_domain")
    @classmethod
    def _domain_is_an_origin(cls, value: str | None) -> str | None:
        if value is None or _is_origin(value):
            return value
        raise ValueError("write a base address such as https://go.example.com, without user name, path, query or fragment")

    @cached_property
    def stack_state(self) -> dict[str, str]:
        """What a running or earlier `./linkwake up` wrote down: DATABASE_URL, TEMPORAL_ADDRESS, TOKEN_KEYS."""
        path = self.var_dir / "stack.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    @property
    def effective_database_url(self) -> str:
        url = self.database_url or self.stack_state.get("database_url")
        if not url:
            raise SettingsError("DATABASE_URL is not set and no embedded stack was found: run ./linkwake up, or set it.")
        return url

    @cached_property
    def temporal_client(self) -> dict[str, Any]:
        """Address, namespace, TLS and API key of one's own Temporal server, as Temporal's client takes them; empty: use the
        embedded server, which knows no credentials.

        A profile counts when TEMPORAL_PROFILE or TEMPORAL_CONFIG_FILE names it, or beside TEMPORAL_ADDRESS: the file in the
        user's home may belong to other work.
        """
        if not (self.temporal_address or os.environ.get("TEMPORAL_PROFILE") or os.environ.get("TEMPORAL_CONFIG_FILE")):
            return {}
        found = _temporal_profile()
        given = {"target_host": self.temporal_address, "namespace": self.temporal_namespace}
        found |= {name: value for name, value in given.items() if value}
        return found if found.get("target_host") else {}

    @property
    def effective_temporal_address(self) -> str:
        address = self.temporal_client.get("target_host") or self.stack_state.get("temporal_address")
        if not address:
            raise SettingsError("TEMPORAL_ADDRESS is not set and no embedded stack was found: run ./linkwake up, or set it.")
        return str(address)

    @property
    def effective_temporal_namespace(self) -> str:
        return str(self.temporal_client.get("namespace") or self.temporal_namespace or "default")

    @property
    def effective_temporal_ui_url(self) -> str | None:
        """None: links to the Temporal UI are left out."""
        url = self.temporal_ui_url or self.stack_state.get("temporal_ui_url")
        return url.rstrip("/") if url else None

    @property
    def effective_token_keys(self) -> list[bytes]:
        """Newest first; each 32 bytes."""
        text = self.token_keys.get_secret_value() if self.token_keys else self.stack_state.get("token_keys")
        if not text:
            raise SettingsError("TOKEN_KEYS is not set and no embedded stack was found: run ./linkwake up, or set it.")
        return [bytes.fromhex(key.strip()) for key in text.split(",")]

    @property
    def effective_link_domain(self) -> str:
        return (self.link_domain or f"http://127.0.0.1:{self.redirect_port}").rstrip("/")


def _temporal_profile() -> dict[str, Any]:
    """Temporal's variables over its profile file. Raises SettingsError."""
    from temporalio.envconfig import ClientConfig  # here, because it is slow to import and most commands do not need it

    file = os.environ.get("TEMPORAL_CONFIG_FILE")
    if file and not Path(file).is_file():
        raise SettingsError(f"TEMPORAL_CONFIG_FILE={file} is not there: correct it.")
    try:
        return dict(ClientConfig.load_client_connect_config())
    except RuntimeError as error:
        problem = str(error).splitlines()[0]
        raise SettingsError(f"Temporal's variables or profile cannot be read ({problem}): correct TEMPORAL_*.") from error


def _is_key(text: str) -> bool:
    try:
        return len(bytes.fromhex(text.strip())) == 32
    except ValueError:
        return False


def _has_port(address: str) -> bool:
    """Whether the port, if there is one, is a number that a port can have."""
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False


def _is_origin(text: str) -> bool:
    """http or https with a host and at most a port. The same rule as for an organization's own link domain."""
    try:
        url = ada_url.URL(text)
    except ValueError:
        return False
    bare = url.pathname == "/" and not (url.username or url.password or "?" in text or "#" in text)
    return bare and url.protocol in {"http:", "https:"}


class SettingsError(Exception):
    """A required setting is missing; the message says which and what to do."""
