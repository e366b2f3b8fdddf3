"""Settings of the redirect: where a click comes from, how long it may take, and how many of them are recorded."""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ByteSize, Field
from pydantic_settings import NoDecode

from setting_groups.readers import HOUR, SECOND, duration, separated, whole

Network = IPv4Network | IPv6Network


class ClickSettings(BaseModel):
    """What the redirect does with a click."""

    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, separated()] = Field(
        (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")),
        description="Comma separated networks whose X-Forwarded-For is believed.",
    )
    geo_database: Path | None = Field(
        None, description="A GeoLite2, GeoIP2 or DB-IP City file; empty: the demo database of December 2019."
    )
    click_budget: Annotated[timedelta, duration(SECOND / 1000, 60 * SECOND, "from 0.001 to 60 seconds")] = Field(
        timedelta(milliseconds=150),
        description="How long a contact waits for PostgreSQL; then the click goes to the spool (seconds or ISO 8601).",
    )
    spool_limit: ByteSize = Field(
        ByteSize(256_000_000),
        description="Clicks that a redirect process keeps on disk while PostgreSQL is away, about 500 bytes each.",
    )
    suspect_hold: Annotated[timedelta, duration(0 * SECOND, HOUR, "from 0 seconds to 1 hour")] = Field(
        timedelta(seconds=10),
        description="How long a click on a message with several links waits at most for its verdict (seconds or ISO 8601); 0: it "
        "is not held, and scanners that look like browsers count as people.",
    )
    miss_limit: Annotated[int, whole(0)] = Field(
        300, description="Unknown links that one network (/24, /48) may ask for in a minute, then 429; 0: no limit."
    )
    click_limit: Annotated[int, whole(0)] = Field(
        1000,
        description="Clicks of one network (/24, /48) on one link that are recorded in a minute; more are only counted, as "
        "flood. 0: no limit.",
    )
