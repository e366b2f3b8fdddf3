"""The benchmarks' own parts: the load generator reports what happened, and figures say what was missed."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import psutil
import pytest
from temporalio.client import Client

from bench import enrollments, latency, redirect, smtp, triggers
from bench.parts.console_pages import part_of
from bench.parts.load import ALPHABET, Generator, Load, heads, random_tokens
from bench.parts.load import main as load
from bench.parts.processes import ProcessorTime, role, stack_processes
from bench.parts.rounds import BareWorkflows, Round, Shape, timed
from bench.parts.trigger_rows import Counts, Seconds
from settings import Settings
from tests.mail_server import post_office
from tests.stack.dummies import python, until


@contextmanager
def server(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Answers every request alike; its port, and the requests that it got."""
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(connection: socket.socket) -> None:
            with connection:
                while request := connection.recv(65536):
                    got.append(request)
                    connection.sendall(answer)

        def accept() -> None:
            for _ in range(2):
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1], got


def tokens() -> Iterator[bytes]:
    return (b"%014d" % number for number in count())


@pytest.mark.parametrize("answer", [b"HTTP/1.1 404 Not Found\r\n\r\n", b"HTTP/1.1 503 Busy\r\n\r\n"])
def test_an_answer_that_is_no_redirect_is_an_error(answer: bytes) -> None:
    with server(answer) as (port, _), Generator(port, tokens(), 2) as generator:
        generator.flat_out(60, most=10)
        assert generator.errors == len(generator.latencies) == 10


def test_each_token_is_asked_for_once_and_all_answers_are_waited_for() -> None:
    with server(b"HTTP/1.1 302 Found\r\n\r\n") as (port, got), Generator(port, tokens(), 2) as generator:
        generator.flat_out(60, most=25)
        assert generator.errors == 0
        assert sorted(request[5:19] for request in got) == [b"%014d" % number for number in range(25)]


def test_a_steady_load_is_as_long_as_it_says() -> None:
    with server(b"HTTP/1.1 302 Found\r\n\r\n") as (port, got), Generator(port, tokens(), 2) as generator:
        generator.steadily(0.2, rate=100)
        assert len(got) == len(generator.latencies) == 20


def test_tokens_are_used_again_when_a_fast_server_has_answered_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tokens").write_text("a\nb\nc")
    with server(b"HTTP/1.1 302 Found\r\n\r\n") as (port, got):
        load(str(port), str(tmp_path / "tokens"), "2", "60", "0", "10")
    assert json.loads(capsys.readouterr().out)["answered"] == 10
    assert {request[4:7] for request in got} == {b"/a ", b"/b ", b"/c "}


@pytest.mark.parametrize(("fastest", "seconds"), [(800, 12.0), (8_000, 12.0), (31_000, 10.45), (100_000, 3.24)])
def test_no_machine_is_so_fast_that_a_link_has_to_be_clicked_twice(fastest: int, seconds: float) -> None:
    clicks = redirect._seconds(360_000, fastest)
    assert clicks == pytest.approx(seconds, abs=0.01)
    assert clicks * fastest < 360_000


@pytest.mark.parametrize(("seconds", "generator"), [(12.0, "wrk"), (1.0, "wrk"), (0.4, "ours")])
def test_a_generator_that_runs_for_whole_seconds_is_not_asked_for_less(
    seconds: float, generator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would click links twice on a machine that is that fast."""
    monkeypatch.setattr(redirect, "has_wrk", lambda: True)
    monkeypatch.setattr(redirect, "run_wrk", lambda *_: "wrk")
    monkeypatch.setattr(redirect, "run_load", lambda *_, most: "ours" if most == 7 else f"at most {most}")
    assert redirect._load(1, Path(), seconds, 7) == generator  # type: ignore[comparison-overlap]


def test_random_tokens_look_like_tokens() -> None:
    made = random_tokens()
    assert all(len(token) == 14 and set(token) <= set(ALPHABET) for token in (next(made) for _ in range(100)))


def test_every_head_is_a_whole_request() -> None:
    assert all(head.startswith(b" HTTP/1.1\r\nHost: ") and head.endswith(b"\r\n\r\n") for head in heads())


GOOD = enrollments.MOST


def a_round(seconds: float, count: int = 100) -> Round:
    return Round(count, seconds / 2, seconds / 2, {"worker": 1.0, "temporal": 3.0})


def test_the_ratio_is_of_the_pairs_so_that_a_slow_minute_counts_for_both() -> None:
    run = enrollments.Run(GOOD, [a_round(5), a_round(50), a_round(8)], [a_round(4), a_round(40), a_round(2)])
    found = enrollments.figures(run)
    assert (found["ratio"], found["missed"]) == (0.8, [])
    assert (found["enrollments_per_s"], found["bare_per_s"], found["until_waiting_per_s"]) == (12.5, 25.0, 25.0)


def test_every_goal_that_was_missed_is_named() -> None:
    run = enrollments.Run(Shape(workflow_tasks=5, activities=3, events=26, state_transitions=15), [a_round(10)], [a_round(6.9)])
    assert enrollments.figures(run)["missed"] == ["ratio", "workflow_tasks", "activities", "events", "state_transitions"]


def test_processor_time_is_for_one_enrollment_and_the_largest_comes_first() -> None:
    run = enrollments.Run(GOOD, [a_round(10, count=50)], [a_round(10)])
    assert list(enrollments.figures(run)["cpu_by_process"].items()) == [("temporal", 60.0), ("worker", 20.0)]  # type: ignore[attr-defined]


async def test_bare_workflows_wait_for_their_signal_and_end(temporal: Client) -> None:
    """In two rounds, because the worker counts each from its start."""
    bare = BareWorkflows(temporal)
    async with bare.with_worker():
        for count in (2, 3):
            done = await timed(bare, count)
            assert "bench.parts.bare" in done.processor
    found = [each async for each in temporal.list_workflows("WorkflowType = 'Bare' AND ExecutionStatus = 'Completed'")]
    assert len(found) == 5


def test_a_process_that_ends_during_a_look_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions of PostgreSQL come and go."""

    class Process:
        def __init__(self, *command: str) -> None:
            self._command = command

        def cmdline(self) -> list[str]:
            if not self._command:
                raise psutil.NoSuchProcess(1)
            return [*self._command]

    found = [Process(), Process("python", "cli.py", "api")]
    monkeypatch.setattr(psutil.Process, "children", lambda *_, recursive: found)
    assert stack_processes() == [(found[1], "api")]


def test_processor_time_counts_from_the_look_before() -> None:
    with python("while True: pass") as busy:
        process = psutil.Process(busy.pid)
        until(lambda: process.cpu_times().user > 0.1)
        before = process.cpu_times()
        since = ProcessorTime()
        until(lambda: process.cpu_times().user > before.user + 0.1)
        used = since.seconds()[role(process)]
        after = process.cpu_times()
        busy.kill()
    assert 0 < used <= round(after.user + after.system - before.user - before.system, 6) + 1e-6


@pytest.mark.parametrize(
    ("bare_per_s", "milliseconds", "missed"),
    [
        (40.0, 60, []),
        (40.0, 90, ["p50_ms"]),
        (55.0, 101, ["p50_ms", "p99_ms"]),
        (39.9, 800, []),
        (20.0, 801, ["p99_ms"]),
        (19.9, 9000, []),
    ],
)
def test_the_limits_of_a_click_are_those_of_the_machine(bare_per_s: float, milliseconds: float, missed: list[str]) -> None:
    assert latency.figures([milliseconds / 1000] * 300, bare_per_s)["missed"] == missed


def load_of(p99_ms: float, errors: int = 0) -> Load:
    return Load(triggers.CLICKS, errors, 25.0, 1.0, p99_ms)


ALL = triggers.CLICKS
EVERYTHING = Counts(ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL)
FAST = triggers.Run(
    loaded=load_of(10.0),
    without=[load_of(9.0), load_of(11.0)],
    counts=EVERYTHING,
    seconds=Seconds([0.1] * ALL, [0.5] * ALL, [2.0] * ALL, 27.0),
    processor={"worker": 5.0, "up": 0.1},
    processor_without={"redirect": 1.0},
    told=ALL,
    notified_at=[0.0, 60.0],
)


def wrong(run: triggers.Run) -> tuple[object, object, object]:
    found = triggers.figures(run)
    return found["lost"], found["doubled"], found["missed"]


def test_when_every_action_is_done_in_time_nothing_is_missed() -> None:
    found = triggers.figures(FAST)
    assert (found["redirect_p99_ms_without"], found["redirect_ratio"], found["tag_p99_s"]) == (10.0, 1.0, 0.5)
    assert (found["cpu_ms_by_process"], found["cpu_ms_by_process_without"]) == ({"worker": 1.0}, {"redirect": 0.4})
    assert wrong(FAST) == (0, 0, [])


@pytest.mark.parametrize("name", ["clicks", "finished", "tagged", "notified", "messages"])
def test_whatever_was_not_done_for_somebody_is_lost(name: str) -> None:
    more = {"notified": {"items": ALL - 1}, "messages": {"received": ALL - 1}}.get(name, {})
    assert wrong(replace(FAST, counts=replace(EVERYTHING, **{name: ALL - 1, **more}))) == (1, 0, [])
    assert wrong(replace(FAST, told=ALL - 1)) == (1, 0, [])


@pytest.mark.parametrize("name", ["fired", "items", "received"])
def test_whatever_was_done_twice_for_somebody_is_doubled(name: str) -> None:
    assert wrong(replace(FAST, counts=replace(EVERYTHING, **{name: ALL + 1}))) == (0, 1, [])


def test_a_slow_tag_a_slower_redirect_and_two_notifications_within_a_minute_are_missed() -> None:
    slow = replace(FAST.seconds, tag=[2.1] * ALL)
    assert wrong(replace(FAST, seconds=slow))[2] == ["tag_p99_s"]
    assert wrong(replace(FAST, loaded=load_of(13.0)))[2] == ["redirect_ratio"]
    assert wrong(replace(FAST, notified_at=[0.0, 58.0]))[2] == ["notification_gap_s"]


def mails(seconds: float) -> smtp.Round:
    return smtp.Round(100, seconds, seconds / 2)


def test_mails_are_compared_in_pairs_so_that_a_slow_minute_counts_for_both() -> None:
    found = smtp.figures(smtp.Run([mails(5), mails(50), mails(8)], [mails(4), mails(40), mails(2)]))
    assert (found["mails_per_s"], found["bare_per_s"], found["ratio"], found["missed"]) == (12.5, 25.0, 0.8, [])


def test_a_slow_channel_and_a_mail_that_nobody_took_are_missed() -> None:
    assert smtp.figures(smtp.Run([mails(10)], [mails(5.9)]))["missed"] == ["ratio"]
    assert smtp.figures(smtp.Run([mails(10)], [mails(10)], lost=1))["missed"] == ["lost"]


async def test_the_channel_and_the_bare_loop_send_every_mail_to_the_server_of_the_benchmark(settings: Settings) -> None:
    with smtp.mail_server() as (port, taken):
        own, bare = smtp.Own(port, settings), smtp.Bare(port, settings)
        run = await smtp.race(own, bare, mails=30, rounds=2, warm_up=5)
        await own.close()
        await bare.close()
        assert taken() == 2 * (5 + 2 * 30)
    assert [each.count for each in (*run.own, *run.bare)] == [30] * 4


async def test_both_send_the_same_mail(settings: Settings) -> None:
    message = smtp.message(1)
    async with post_office() as office:
        own, bare = smtp.Own(office.port, settings), smtp.Bare(office.port, settings)
        for each in (own, bare):
            await (await each.prepare([message]))()
            await each.close()
        first, second = (mail.parsed for mail in office.mails)
    for mail in (first, second):
        del mail["DKIM-Signature"], mail["Date"]
    assert first.as_bytes() == second.as_bytes()
    assert [len(mail.parsed.get_all("DKIM-Signature", [])) for mail in office.mails] == [1, 1]


def test_a_page_names_what_it_fetches_when_it_is_there() -> None:
    assert (
        part_of('<form data-count-from="/console/segments/1?a=b&amp;count=1" method="post">') == "/console/segments/1?a=b&count=1"
    )
    assert part_of("<p>Nothing</p>") is None
