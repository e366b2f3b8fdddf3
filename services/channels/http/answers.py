"""What a provider's answer means: a receipt, a definite refusal, or nothing that anybody can know."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

from models.base import now
from safe_errors import OwnWords
from services.channels.base import ChannelError, Fault, Receipt
from services.channels.http.conditions import UNREADABLE
from services.channels.http.config import AnswerMapping, AnswerRule, Find
from services.channels.http.json_path import find_code, find_text
from services.way_out.way_out import Answer

LATER = frozenset({408, 425, 429, 503})
"""Statuses that say that the request was not carried out and may come again."""
OURS_TO_FIX = frozenset({401, 402, 403, 404, 405, 407, 410})
"""Statuses that say that the address or the credentials of the channel are wrong."""


class UnclearAnswer(OwnWords):
    """The answer does not say whether the provider has the message. Logs and histories show this text, so it quotes no code:
    what a channel reads as one can be a sentence about somebody."""


def document_of(answer: Answer) -> Any:
    """Returns the answer's JSON, or UNREADABLE."""
    if answer.is_cut:
        return UNREADABLE
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return UNREADABLE


def read_answer(answer: Answer, mapping: AnswerMapping, message_id: UUID) -> Receipt:
    """Raises ChannelError for a refusal, and UnclearAnswer. What the provider wrote is not quoted but for its code."""
    document = document_of(answer)
    rule = next((each for each in mapping.rules if each.holds(answer.status, document)), None)
    if answer.is_cut and _might_mean_something_else(answer, mapping.rules, rule):
        raise UnclearAnswer(f"The provider answered {answer.status} with more text than is read.")
    if (rule is None and 200 <= answer.status < 300) or (rule is not None and rule.result == "accepted"):
        units = find_text(document, mapping.units, 9)
        provider_id = find_text(document, mapping.provider_id) or str(message_id)
        return Receipt(provider_id, int(units) if units and units.isdecimal() else None)
    code = find_code(document, mapping.code)
    raise _by_rule(answer, rule, code) if rule is not None else _by_status(answer, code)


def read_found(answer: Answer, mapping: Find, message_id: UUID) -> Receipt | None:
    """Raises UnclearAnswer when the answer neither says that the message is there nor that it is missing."""
    document = document_of(answer)
    if any(each.holds(answer.status, document) for each in mapping.found):
        return Receipt(find_text(document, mapping.provider_id) or str(message_id))
    if any(each.holds(answer.status, document) for each in mapping.missing):
        return None
    raise UnclearAnswer(f"The provider answered {answer.status} to the question what became of a message.")


def _might_mean_something_else(answer: Answer, rules: Sequence[AnswerRule], found: AnswerRule | None) -> bool:
    """Whether a rule that comes before the one that was found asks for a value, which may stand in the answer nevertheless."""
    before = rules[: rules.index(found)] if found is not None else rules
    return any(each.when and each.counts_for(answer.status) for each in before)


def _by_rule(answer: Answer, rule: AnswerRule, code: str | None) -> ChannelError:
    text = rule.reason or _text(answer, code)
    retry_after = _retry_after(answer) if rule.result == "retry" else None
    permanent = rule.result == "refused" and rule.fault not in {Fault.CHANNEL, Fault.DOMAIN}
    return ChannelError(text, permanent=permanent, retry_after=retry_after, fault=rule.fault, code=code)


def _by_status(answer: Answer, code: str | None) -> Exception:
    text = _text(answer, code)
    if answer.status in LATER:
        return ChannelError(text, permanent=False, retry_after=_retry_after(answer), code=code)
    if 300 <= answer.status < 400:
        text += " It sent us to another address: enter that address instead."
        return ChannelError(text, permanent=False, fault=Fault.CHANNEL, code=code)
    if answer.status in OURS_TO_FIX:
        text += " Correct the address or the credentials of the channel."
        return ChannelError(text, permanent=False, fault=Fault.CHANNEL, code=code)
    if 400 <= answer.status < 500:
        return ChannelError(text, permanent=True, code=code)
    return UnclearAnswer(_text(answer, None))


def _text(answer: Answer, code: str | None) -> str:
    return f"The provider answered {answer.status}{f' with the code {code}' if code else ''}."


def _retry_after(answer: Answer) -> timedelta | None:
    """Reads seconds or a date (RFC 9110, section 10.2.3). Anything else counts as missing."""
    headers: Mapping[str, str] = {name.lower(): value.strip() for name, value in answer.headers}
    value = headers.get("retry-after", "")
    if value.isascii() and value.isdecimal() and len(value) < 9:
        return timedelta(seconds=int(value))
    try:
        return max(timedelta(0), _aware(parsedate_to_datetime(value)) - now())
    except (ValueError, OverflowError):
        return None


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
