"""The memory of clicks against a naive model that forgets nothing and works everything out each time."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from models.wire.clicks import LinkKey
from models.wire.enrollments import ClickMemory
from workflows import click_memory

STEPS = ("hello", "again", "third")
NAMES = (None, "offer", "help")  # by position


def link(step_run: int, position: int, step_key: str) -> LinkKey:
    return LinkKey(step_run=step_run, position=position, step_key=step_key, name=NAMES[position])


class AgainstNaiveModel(RuleBasedStateMachine):
    """`sent`: every send that was ever begun, (step_run, step); `sending`: the last one has no answer yet."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = ClickMemory()
        self.sent: list[tuple[int, str]] = []
        self.sending = False
        self.clicked: set[LinkKey] = set()
        self.used: set[LinkKey] = set()

    def newest(self) -> dict[str, int]:
        return {step: step_run for step_run, step in self.sent}

    def expected(self, name: str | None) -> LinkKey | None:
        last_step_run = self.sent[-1][0] if self.sent else None
        fitting = [
            key
            for key in self.clicked - self.used
            if self.newest()[key.step_key] == key.step_run and (key.name == name if name else key.step_run == last_step_run)
        ]
        return min(fitting, key=lambda key: (key.step_run, key.position), default=None)

    @precondition(lambda self: not self.sending)
    @rule(step=st.sampled_from(STEPS))
    def begin_to_send(self, step: str) -> None:
        self.sent.append((len(self.sent) + 1, step))
        self.sending = True

    @precondition(lambda self: self.sending)
    @rule()
    def have_sent(self) -> None:
        step_run, step = self.sent[-1]
        self.memory = click_memory.message_sent(self.memory, step, step_run)
        self.sending = False

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), position=st.integers(0, 2))
    def click(self, data: st.DataObject, position: int) -> None:
        step_run, step = data.draw(st.sampled_from(self.sent))
        key = link(step_run, position, step)
        self.memory = click_memory.click(self.memory, key)
        self.clicked.add(key)

    @precondition(lambda self: not self.sending)
    @rule(name=st.sampled_from(NAMES))
    def wait(self, name: str | None) -> None:
        found = click_memory.match(self.memory, name)
        assert found == self.expected(name)
        if found is not None:
            self.memory = click_memory.use(self.memory, found)
            self.used.add(found)

    @rule()
    def continue_as_new(self) -> None:
        self.memory = ClickMemory.model_validate_json(self.memory.model_dump_json())

    @invariant()
    def the_state_is_bounded_by_steps_and_links(self) -> None:
        messages = len(STEPS) + 1  # one may be on its way
        assert len(self.memory.clicked) + len(self.memory.used) <= messages * len(NAMES)

    @invariant()
    def no_link_is_both_open_and_used(self) -> None:
        assert not set(self.memory.clicked) & set(self.memory.used)

    @precondition(lambda self: not self.sending)
    @invariant()
    def every_wait_would_find_what_the_model_finds(self) -> None:
        for name in NAMES:
            assert click_memory.match(self.memory, name) == self.expected(name)


TestAgainstNaiveModel = AgainstNaiveModel.TestCase
TestAgainstNaiveModel.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_before_anything_was_sent_nothing_is_waited_for() -> None:
    memory = ClickMemory()
    memory = click_memory.click(memory, link(1, 0, "hello"))
    assert click_memory.waited_step_runs(memory, None) == ()
    assert click_memory.waited_step_runs(memory, "offer") == ()
    assert click_memory.match(memory, None) is None


def test_late_clicks_on_a_replaced_message_take_no_room() -> None:
    memory = ClickMemory()
    memory = click_memory.message_sent(memory, "hello", 1)
    memory = click_memory.message_sent(memory, "hello", 3)
    memory = click_memory.click(memory, link(1, 0, "hello"))
    assert memory.clicked == ()


def test_the_oldest_message_comes_first() -> None:
    memory = ClickMemory()
    memory = click_memory.message_sent(memory, "hello", 1)
    memory = click_memory.message_sent(memory, "again", 2)
    memory = click_memory.click(memory, link(2, 1, "again"))
    memory = click_memory.click(memory, link(1, 1, "hello"))
    assert click_memory.match(memory, "offer") == link(1, 1, "hello")
