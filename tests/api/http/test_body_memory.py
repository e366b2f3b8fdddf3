"""How many bytes of bodies one organization may have in the process."""

from uuid import uuid4

import pytest

from api.http.body_memory import BodyMemory
from models.errors import TooManyRequests

ONE, OTHER = uuid4(), uuid4()


def test_an_organization_has_so_many_bytes_and_gets_them_back() -> None:
    memory = BodyMemory(2**20)
    with memory.share(ONE) as first:
        first.take(2**20 - 1)
        with memory.share(ONE) as second, pytest.raises(TooManyRequests, match="1 MB together"):
            second.take(2)
        with memory.share(OTHER) as theirs:
            theirs.take(2**20)
    with memory.share(ONE) as again:
        again.take(2**20)
    assert memory._taken_by == {}
