"""Findings about steps that cannot or could not do what they say: the enrollments go on without it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from api.diagnostics.advice import ADVICE
from api.diagnostics.automation import automation
from api.diagnostics.finding import Finding, since
from models.notifications.target import NotificationTarget
from models.sequences.step_count import StepCell


def not_done(cells: Iterable[StepCell]) -> Iterator[Finding]:
    """One finding for each step and reason; outcomes that begin with `not_` say that nothing was done."""
    counts: Counter[tuple[str, str]] = Counter()
    for cell in cells:
        if cell.outcome is not None and cell.outcome.startswith("not_"):
            counts[cell.step_key, cell.outcome.partition(": ")[2]] += cell.step_runs
    for (key, reason), count in counts.items():
        yield automation(
            "step_not_done",
            "info",
            f"The step '{key}' did nothing {'once' if count == 1 else f'{count:,} times'}: {reason}. The enrollments went on.",
            ADVICE.get(reason, "Each conversation says for whom."),
            step_key=key,
            count=count,
        )


def of_targets(named: Mapping[str, str], targets: Mapping[str, NotificationTarget]) -> Iterator[Finding]:
    """One finding for each step whose team cannot be told. `named` are the targets' names by the keys of the steps, and `targets`
    those that there are by their names."""
    for key, name in named.items():
        target = targets.get(name)
        which = f"The step '{key}' notifies '{name}', which"
        if target is None:
            sentence = f"{which} does not exist any more."
            yield automation("step_target_missing", "problem", sentence, ADVICE["no_target"], step_key=key)
        elif target.failing_since is not None:
            error = f" Last error: {target.last_error.rstrip('.')}." if target.last_error else ""
            sentence = f"{which} has failed for {since(target.failing_since)}.{error}"
            yield automation("step_target_fails", "problem", sentence, "Correct its address and test it.", step_key=key)
