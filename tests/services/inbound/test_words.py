"""What a text message means: words in every dress, texts that look like a refusal, and replies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.inbound.inbound_message import InboundMeaning
from services.inbound.words import LONGEST_COMMAND, Read, confirmation, languages, read_words

STOP, START, HELP = InboundMeaning.STOP, InboundMeaning.START, InboundMeaning.HELP
REPLY, PERHAPS_REFUSAL = InboundMeaning.REPLY, InboundMeaning.PERHAPS_REFUSAL

NINE = ["STOP", "QUIT", "END", "REVOKE", "OPT OUT", "CANCEL", "UNSUBSCRIBE", "STOPALL", "OPTOUT"]


@pytest.mark.parametrize("word", NINE)
def test_each_of_the_nine_words_that_must_be_honoured_is_a_stop(word: str) -> None:
    assert read_words(word) == Read(STOP, "en")


@pytest.mark.parametrize("body", ["START", "unstop", "Yes", "yes please!", "“Start”"])
def test_words_that_begin_again(body: str) -> None:
    assert read_words(body).meaning == START


@pytest.mark.parametrize("body", ["HELP", "info", "Help!", "help please", "“INFO”"])
def test_calls_for_help(body: str) -> None:
    assert read_words(body).meaning == HELP


@pytest.mark.parametrize(
    "body",
    [
        "Stop.",
        "“STOP”",
        "'stop'",
        "»stop«",
        "S.T.O.P.",
        "S T O P",
        "opt-out",
        "Opt out!",
        "STOP STOP STOP",
        "please stop",
        "Stop, please!",
        "stop thank you",
        "Hi, stop now please, thanks",
        "\u200bSTOP\ufeff",
        "ＳＴＯＰ",
        "🛑 stop 🙏",
        "\n stop \t",
        "stop all",
        "un-subscribe",
    ],
)
def test_a_stop_in_every_dress_is_a_stop(body: str) -> None:
    assert read_words(body).meaning == STOP


@pytest.mark.parametrize(
    ("body", "language"),
    [
        ("Arrêt svp", "fr"),
        ("bitte abmelden", "de"),
        ("KÜNDIGEN", "de"),
        ("baja, por favor", "es"),
        ("wypisz", "pl"),
        ("afmelden aub", "nl"),
    ],
)
def test_other_languages_have_words_of_their_own(body: str, language: str) -> None:
    assert read_words(body) == Read(STOP, language)


@pytest.mark.parametrize(
    "body",
    [
        "Stop texting me",
        "don't text me again",
        "Don’t contact me",
        "DO NOT CONTACT this number",
        "Please remove me from your list",
        "wrong number",
        "leave me alone!!!",
        "I want to unsubscribe",
        "stop " * 40 + "right",
        "ok but stop",
        "Nie wysyłaj mi tego",
        "Lasst mich in Ruhe",
    ],
)
def test_free_text_that_looks_like_a_refusal_is_held_for_somebody_to_decide(body: str) -> None:
    assert read_words(body).meaning == PERHAPS_REFUSAL


@pytest.mark.parametrize(
    "body", ["", "   ", "please", "thanks", "🙂", "See you at the bus stop tomorrow", "The end is near", "Is it free?", "?"]
)
def test_everything_else_is_a_reply(body: str) -> None:
    assert read_words(body).meaning == REPLY


@given(
    st.sampled_from(NINE),
    st.sampled_from([str.upper, str.lower, str.title, str.swapcase]),
    st.text(" .,!?'\"“”‘’«»()[]*_-…\n\t\u200b\u00a0", max_size=6),
    st.text(" .,!?'\"“”‘’«»()[]*_-…\n\t\u200b\u00a0", max_size=6),
    st.sampled_from(["", "please ", "Hi, "]),
    st.sampled_from(["", " please", ", thank you", " PLS!"]),
)
def test_case_punctuation_and_politeness_never_hide_a_stop(word, change, before, after, polite, too) -> None:  # type: ignore[no-untyped-def]
    assert read_words(f"{before}{polite}{change(word)}{too}{after}").meaning == STOP


@given(st.text(max_size=400))
def test_any_text_has_exactly_one_meaning(body: str) -> None:
    read = read_words(body)
    assert read.meaning in InboundMeaning
    assert read.language in languages()


@given(st.text(min_size=LONGEST_COMMAND + 1, max_size=300))
def test_a_long_text_is_never_a_word(body: str) -> None:
    assert read_words(body).meaning in {REPLY, PERHAPS_REFUSAL}


def test_no_word_means_two_things() -> None:
    """Across languages too: a word that starts in one and stops in another would be read by the order of the file."""
    stop, start, help_ = (
        set().union(*(getattr(each, name) for each in languages().values())) for name in ("stop", "start", "help")
    )
    assert not stop & start
    assert not stop & help_
    assert not start & help_


@pytest.mark.parametrize("code", languages())
def test_the_words_of_a_language_are_written_as_they_are_compared(code: str) -> None:
    language = languages()[code]
    assert all(read_words(word).meaning == STOP for word in language.stop)
    assert all(read_words(word).meaning == START for word in language.start)
    assert all(read_words(word).meaning == HELP for word in language.help)
    assert all(read_words(f"hmm {phrase} hmm").meaning == PERHAPS_REFUSAL for phrase in language.refusal)
    assert all(read_words(f"{word} xyz").meaning == PERHAPS_REFUSAL for word in language.stop_in_a_sentence)


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("code", languages())
def test_a_confirmation_names_the_organization_and_how_to_go_back(code: str, *, alone: bool) -> None:
    for meaning, word in ((STOP, "START"), (START, "STOP"), (HELP, "STOP")):
        text = confirmation(Read(meaning, code), "Café {Ada}", this_number_alone=alone)
        assert text is not None
        assert "Café {Ada}" in text
        assert (languages()[code].this_number in text, languages()[code].us in text) == (alone, not alone)
        assert word in text
    assert confirmation(Read(REPLY, code), "Ada", this_number_alone=alone) is None
