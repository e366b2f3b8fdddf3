"""What the caller of a PATCH has seen of the thing before."""

from typing import Annotated

from fastapi import Query

from models.texts.moment import Moment

SeenQuery = Annotated[
    Moment | None,
    Query(description="The `updated_at` that you have seen. 409 `changed_meanwhile` when it is another one by now."),
]
