"""Reads what a text message means: a word such as STOP, START or HELP, a text that looks like a refusal, or a reply.

The words are data, by language: `words.toml`. This module is pure.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from models.inbound.inbound_message import InboundMeaning
from models.texts.plain_text import normalized

WORDS = Path(__file__).with_name("words.toml")
WITHOUT_ACCENT = str.maketrans({"\u0142": "l", "\u0111": "d", "\u00f8": "o", "\u0131": "i", "\u00e6": "ae", "\u0153": "oe"})
"""Letters that Unicode does not take for letters with an accent."""
LONGEST_COMMAND = 60
"""Characters. A longer text is never a word; at most it looks like a refusal."""


@dataclass(frozen=True)
class Language:
    """The words and phrases of one language, and the texts that confirm them, with places for the organization's name and
    for whose messages they are about."""

    stop: frozenset[str]
    start: frozenset[str]
    help: frozenset[str]
    polite: Sequence[Sequence[str]]
    stop_in_a_sentence: frozenset[str]
    refusal: Sequence[str]
    this_number: str
    us: str
    stopped: str
    started: str
    helped: str


@dataclass(frozen=True)
class Read:
    """What was read, and the language of the word; a text without a word counts as English."""

    meaning: InboundMeaning
    language: str = "en"


@cache
def languages() -> dict[str, Language]:
    """Returns what `words.toml` says, by ISO 639-1 code."""
    return {code: _language(words) for code, words in tomllib.loads(WORDS.read_text(encoding="utf-8")).items()}


def _language(words: dict[str, Any]) -> Language:
    return Language(
        stop=frozenset(words["stop"]),
        start=frozenset(words["start"]),
        help=frozenset(words["help"]),
        polite=[each.split() for each in words["polite"]],
        stop_in_a_sentence=frozenset(words["stop_in_a_sentence"]),
        refusal=words["refusal"],
        this_number=words["this_number"],
        us=words["us"],
        stopped=words["stopped"],
        started=words["started"],
        helped=words["helped"],
    )


def read_words(body: str) -> Read:
    """Case, accents, punctuation, quotes, emoji, doubled words and polite words make no difference: `“Stop, please!”` is STOP."""
    words = _plain(body).split()
    command = _without_polite(words)
    for meaning, vocabulary in ((InboundMeaning.STOP, "stop"), (InboundMeaning.START, "start"), (InboundMeaning.HELP, "help")):
        for code, language in languages().items():
            if len(body) <= LONGEST_COMMAND and _is_one_of(command, getattr(language, vocabulary)):
                return Read(meaning, code)
    return Read(InboundMeaning.PERHAPS_REFUSAL if _looks_like_a_refusal(words, command) else InboundMeaning.REPLY)


def confirmation(read: Read, organization: str, *, this_number_alone: bool) -> str | None:
    """Returns the text that confirms a word, or None for a text that is no word. With `this_number_alone` the word counts for
    the number that the person wrote to, and otherwise for all of the organization's."""
    language = languages()[read.language]
    texts = {InboundMeaning.STOP: language.stopped, InboundMeaning.START: language.started, InboundMeaning.HELP: language.helped}
    text = texts.get(read.meaning)
    whose = language.this_number if this_number_alone else language.us
    return text.replace("{whose}", whose).replace("{organization}", organization) if text else None


def _plain(text: str) -> str:
    """Small letters without accents, and digits; everything else is a space, apart from apostrophes, which vanish in `don't`."""
    letters = normalized("NFKD", normalized("NFKC", text).casefold().translate(WITHOUT_ACCENT))
    kept = (each for each in letters if unicodedata.category(each) not in {"Mn", "Me", "Cf"})
    joined = re.sub(r"(?<=n)['\u2019\u02bc](?=t\b)", "", "".join(kept))
    return re.sub(r"[^\w]|_", " ", joined)


def _without_polite(words: Sequence[str]) -> list[str]:
    """Leaves out polite words at both ends, unless nothing else is there."""
    phrases = [phrase for language in languages().values() for phrase in language.polite]
    left = list(words)
    while left:
        end = next((phrase for phrase in phrases if left[: len(phrase)] == phrase or left[-len(phrase) :] == phrase), None)
        if end is None:
            return left
        left = left[len(end) :] if left[: len(end)] == end else left[: -len(end)]
    return left


def _is_one_of(words: Sequence[str], vocabulary: frozenset[str]) -> bool:
    """`opt out` and `S.T.O.P.` are words with spaces in them; `stop stop` is one that was said twice."""
    return bool(words) and ("".join(words) in vocabulary or set(words) <= vocabulary)


def _looks_like_a_refusal(words: Sequence[str], command: Sequence[str]) -> bool:
    text = f" {' '.join(words)} "
    ends: Iterable[str] = (command[0], command[-1]) if command else ()
    return any(
        any(f" {phrase} " in text for phrase in language.refusal) or any(end in language.stop_in_a_sentence for end in ends)
        for language in languages().values()
    )
