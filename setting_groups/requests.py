"""Settings of requests to the API: how large they may be, and how many of one organization are worked on at once."""

from typing import Annotated

from pydantic import BaseModel, ByteSize, Field

from setting_groups.readers import whole


class RequestSettings(BaseModel):
    """Sizes of bodies and answers, and an organization's share of each API process."""

    body_limit: ByteSize = Field(ByteSize(2**20), description="Largest body of a request about one thing.")
    bulk_body_limit: ByteSize = Field(ByteSize(20 * 2**20), description="Largest body of a bulk request or an import.")
    organization_body_bytes: ByteSize = Field(
        ByteSize(64 * 2**20), description="Bodies that one organization may have in each API process at once, together."
    )
    organization_requests: Annotated[int, whole(1)] = Field(
        3, description="Requests of one organization that each API process works on at once."
    )
    organization_queue: Annotated[int, whole(0)] = Field(
        50, description="Requests of one organization that wait for those at work; more are answered 429."
    )
    organization_streams: Annotated[int, whole(0, 10_000)] = Field(
        20,
        description="Streams of live events that one organization may have open at each API process; one more is answered 429.",
    )
    errors_listed: Annotated[int, whole(1, 1000)] = Field(
        100, description="Errors in one answer; it says how many more there are."
    )
