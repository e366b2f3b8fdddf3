"""One organization never holds up another: the eleven worst inputs of one, and what another one is answered meanwhile."""

from collections.abc import Iterator

import pytest

from bench.neighbours import Measured, measure
from bench.parts.neighbour import Felt
from bench.parts.noise import NOISES
from settings import Settings
from stack.session import own_stack

MOST_TIMES_IDLE = 30
"""The bound for the median. Other tests share the two processors and come and go between the idle measure and a noise, which is a
factor of three by itself; what is looked for here, an event loop or a queue that stands still, is a factor of a hundred.
`./linkwake bench neighbours` looks closer, on a machine that does nothing else."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with own_stack(tmp_path_factory.mktemp("neighbours") / "var", LOG_LEVEL="warning") as settings:
        yield settings


@pytest.fixture(scope="module")
async def felt(stack: Settings) -> tuple[Felt, dict[str, Measured]]:
    return await measure(stack, NOISES, idle_seconds=2.0, noise_seconds=1.0, rest_seconds=0.0, lead_seconds=0.5)


@pytest.mark.parametrize("noise", NOISES)
def test_a_neighbour_is_answered_beside(noise: str, felt: tuple[Felt, dict[str, Measured]]) -> None:
    idle, beside = felt[0], felt[1][noise]
    assert (idle.failed, beside.felt.failed) == ([], [])
    slow = {
        kind: beside.felt.milliseconds(kind, 0.5) / idle.milliseconds(kind, 0.5)
        for kind in ("get", "enroll", "click", "first_message")
        if beside.felt.milliseconds(kind, 0.5) > MOST_TIMES_IDLE * idle.milliseconds(kind, 0.5)
    }
    assert slow == {}


@pytest.mark.parametrize("noise", NOISES)
def test_the_noisy_organization_gets_answers_and_no_error_of_the_server(
    noise: str, felt: tuple[Felt, dict[str, Measured]]
) -> None:
    answers = felt[1][noise].answers
    assert answers
    assert {status for status in answers if status.startswith("5")} == set()
