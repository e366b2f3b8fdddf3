"""What follows from an answer: a wrong code pauses no channel and suppresses nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.channels.base import Fault
from services.channels.smtp.refusals import of_answer
from services.mail.transaction import EnhancedCode, Phase, Refused, enhanced_code

STATUSES = st.none() | st.builds(EnhancedCode, st.sampled_from([4, 5]), st.integers(0, 9), st.integers(0, 99))


@pytest.mark.parametrize(
    ("phase", "answer", "permanent", "fault"),
    [
        (Phase.RECIPIENT, "550 no such user, or blocked", True, Fault.MESSAGE),  # without a status nothing is certain
        (Phase.RECIPIENT, "550 5.1.1 unknown", True, Fault.ADDRESS),
        (Phase.RECIPIENT, "556 5.1.10 takes no mail", True, Fault.ADDRESS),
        (Phase.END, "550 5.1.1 unknown", True, Fault.ADDRESS),
        (Phase.RECIPIENT, "550 5.2.1 switched off", True, Fault.ADDRESS),
        (Phase.RECIPIENT, "552 5.2.2 full", True, Fault.MESSAGE),
        (Phase.RECIPIENT, "550 5.7.1 relaying denied", True, Fault.POLICY),
        (Phase.END, "550 5.7.26 not authenticated", True, Fault.POLICY),
        (Phase.SENDER, "553 not your sender", False, Fault.CHANNEL),
        (Phase.SENDER, "550 5.1.1 sender unknown", False, Fault.CHANNEL),
        (Phase.RECIPIENT, "550 5.1.8 bad sender", True, Fault.POLICY),
        (Phase.RECIPIENT, "530 5.7.0 log in first", False, Fault.CHANNEL),
        (Phase.SENDER, "530 5.7.0 log in first", False, Fault.CHANNEL),
        (Phase.SENDER, "552 5.3.4 too large", True, Fault.MESSAGE),
        (Phase.END, "554 5.6.0 not a mail", True, Fault.MESSAGE),
        (Phase.END, "421 4.3.2 shutting down", False, Fault.DOMAIN),
        (Phase.RECIPIENT, "450 4.7.1 greylisted", False, Fault.DOMAIN),
        (Phase.RECIPIENT, "450 4.2.1 busy", False, Fault.MESSAGE),
        (Phase.SENDER, "451 local error", False, Fault.MESSAGE),
    ],
)
def test_an_answer_has_its_consequence(phase: Phase, answer: str, permanent: bool, fault: Fault) -> None:
    error = of_answer(Refused(phase, int(answer[:3]), enhanced_code(answer[4:])))
    assert (error.permanent, error.fault) == (permanent, fault)


@given(st.sampled_from(Phase), st.integers(400, 599), STATUSES)
def test_only_a_status_about_the_address_suppresses_it(phase: Phase, code: int, status: EnhancedCode | None) -> None:
    error = of_answer(Refused(phase, code, status))
    assert error.fault != Fault.ADDRESS or (status is not None and status.status == 5 and status.subject in {1, 2})


@given(st.sampled_from(Phase), st.integers(400, 599), STATUSES)
def test_a_message_that_waits_for_us_is_never_failed(phase: Phase, code: int, status: EnhancedCode | None) -> None:
    error = of_answer(Refused(phase, code, status))
    assert not (error.permanent and error.fault in {Fault.CHANNEL, Fault.DOMAIN})
