"""The click book against a naive model that forgets nothing and works everything out anew."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from models.wire import LinkKey
from workflows.click_book import ClickBook

STEPS = ("hello", "again", "third")
NAMES = (None, "offer", "help")  # by position


def link(visit: int, position: int, step_key: str) -> LinkKey:
    return LinkKey(visit=visit, position=position, step_key=step_key, name=NAMES[position])


class AgainstNaiveModel(RuleBasedStateMachine):
    """`sent`: every send that was ever begun, (visit, step); `sending`: the last one has no answer yet."""

    def __init__(self) -> None:
        super().__init__()
        self.book = ClickBook({}, None, (), ())
        self.sent: list[tuple[int, str]] = []
        self.sending = False
        self.clicked: set[LinkKey] = set()
        self.used: set[LinkKey] = set()

    def newest(self) -> dict[str, int]:
        return {step: visit for visit, step in self.sent}

    def expected(self, name: str | None) -> LinkKey | None:
        last_visit = self.sent[-1][0] if self.sent else None
        fitting = [
            key
            for key in self.clicked - self.used
            if self.newest()[key.step_key] == key.visit and (key.name == name if name else key.visit == last_visit)
        ]
        return min(fitting, key=lambda key: (key.visit, key.position), default=None)

    @precondition(lambda self: not self.sending)
    @rule(step=st.sampled_from(STEPS))
    def begin_to_send(self, step: str) -> None:
        self.sent.append((len(self.sent) + 1, step))
        self.sending = True

    @precondition(lambda self: self.sending)
    @rule()
    def have_sent(self) -> None:
        visit, step = self.sent[-1]
        self.book.message_sent(step, visit)
        self.sending = False

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), position=st.integers(0, 2))
    def click(self, data: st.DataObject, position: int) -> None:
        visit, step = data.draw(st.sampled_from(self.sent))
        key = link(visit, position, step)
        self.book.click(key)
        self.clicked.add(key)

    @precondition(lambda self: not self.sending)
    @rule(name=st.sampled_from(NAMES))
    def wait(self, name: str | None) -> None:
        found = self.book.match(name)
        assert found == self.expected(name)
        if found is not None:
            self.book.use(found)
            self.used.add(found)

    @rule()
    def continue_as_new(self) -> None:
        self.book = ClickBook(self.book.sent, self.book.last_sent, self.book.clicked, self.book.used)

    @invariant()
    def the_state_is_bounded_by_steps_and_links(self) -> None:
        messages = len(STEPS) + 1  # one may be on its way
        assert len(self.book.clicked) + len(self.book.used) <= messages * len(NAMES)

    @invariant()
    def no_link_is_both_open_and_used(self) -> None:
        assert not set(self.book.clicked) & set(self.book.used)

    @precondition(lambda self: not self.sending)
    @invariant()
    def every_wait_would_find_what_the_model_finds(self) -> None:
        for name in NAMES:
            assert self.book.match(name) == self.expected(name)


TestAgainstNaiveModel = AgainstNaiveModel.TestCase
TestAgainstNaiveModel.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_before_anything_was_sent_nothing_is_waited_for() -> None:
    book = ClickBook({}, None, (), ())
    book.click(link(1, 0, "hello"))
    assert book.waited_visits(None) == ()
    assert book.waited_visits("offer") == ()
    assert book.match(None) is None


def test_late_clicks_on_a_replaced_message_take_no_room() -> None:
    book = ClickBook({}, None, (), ())
    book.message_sent("hello", 1)
    book.message_sent("hello", 3)
    book.click(link(1, 0, "hello"))
    assert book.clicked == ()


def test_the_oldest_message_comes_first() -> None:
    book = ClickBook({}, None, (), ())
    book.message_sent("hello", 1)
    book.message_sent("again", 2)
    book.click(link(2, 1, "again"))
    book.click(link(1, 1, "hello"))
    assert book.match("offer") == link(1, 1, "hello")
