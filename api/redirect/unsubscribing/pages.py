"""What a person sees at the address for unsubscribing: a button, and for readers of e-mail a choice of what they get.

The pages work without scripts and cookies, on a phone and in the dark.
"""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby
from operator import attrgetter

from api.redirect.answering.answer import HEADERS, Answer
from api.redirect.answering.page import STYLE, card, page_headers
from models.channels.channel import Medium
from models.consent.preferences import Preference
from models.messages.message import MessageKind
from models.organizations.organization import OptOutScope
from services.consent.preference_page import PreferencePage
from tracking.tokens.unsubscribe import UNSUBSCRIBE_PATH

PAGE_STYLE = (
    STYLE
    + """p + form, form + h2, p + h2 { margin-top: 1.5rem }
h2 { margin: 2rem 0 .6rem; font-size: 1.05rem; font-weight: 650 }
fieldset { margin: 0 0 1rem; padding: 0; border: 0 }
legend { padding: 0; font-weight: 600 }
label { display: flex; gap: .75rem; align-items: center; min-height: 2.75rem }
input { flex: none; width: 1.25rem; height: 1.25rem; margin: 0 }
button { width: 100%; min-height: 3rem; padding: .6rem 1rem; font: inherit; font-weight: 600; cursor: pointer;
  color: var(--card); background: var(--ink); border: 1px solid var(--ink); border-radius: .6rem }
button.second { color: var(--ink); background: none; border-color: var(--quiet) }
button:focus-visible, input:focus-visible, a:focus-visible { outline: 3px solid Highlight; outline-offset: 2px }
a { color: inherit }
"""
)
MEDIA = {Medium.EMAIL: "E-mails", Medium.SMS: "Text messages"}
KINDS = {
    MessageKind.MARKETING: "News and offers",
    MessageKind.TRANSACTIONAL: "Messages about what you do, such as receipts",
}
SHOWN, WANTED = "shown", "wanted"
"""The fields of the form: each box that the page has, and each one that is ticked, as `email.marketing`."""
PREFERENCES = "/preferences"
_HEADERS = [*page_headers(PAGE_STYLE, "'self'"), *((name.lower(), value) for name, value in HEADERS.items())]


def ask_page(token: str, shown: PreferencePage | None) -> Answer:
    """The page of a GET, which changes nothing. `shown` is None while nobody can be asked what this person gets: then it has the
    button alone."""
    if shown is not None and shown.erased:
        return erased_page()
    if shown is not None and shown.gets_nothing:
        text = "<p>You get no messages from us any more. Tick what you want to get again.</p>"
        return _page("You are unsubscribed", f"{text}\n{_preference_form(token, shown.preferences)}")
    parts = [f"<p>{_ends(shown)}</p>", _form(token, "", "<button>Unsubscribe</button>")]
    if shown is not None and shown.preferences:
        parts += ["<h2>Or choose what you get</h2>", _preference_form(token, shown.preferences)]
    return _page("Unsubscribe", "\n".join(parts))


def erased_page() -> Answer:
    text = "We have erased everything that this message was sent with, your address too, so nothing has been changed just now."
    more = "If you still get messages from us, please unsubscribe at the address in the newest one."
    return _page("This message is not yours any more", f"<p>{text}</p><p>{more}</p>")


def done_page(token: str) -> Answer:
    again = f'<a href="{_path(token)}">Choose what you get</a>'
    return _page("You are unsubscribed", f"<p>It holds from now on. A mistake? {again}.</p>")


def saved_page(token: str) -> Answer:
    return _page("Your choice is saved", f'<p>It holds from now on. <a href="{_path(token)}">Look at it again</a>.</p>')


def _page(title: str, content: str) -> Answer:
    return Answer(200, _HEADERS, card(title, content, PAGE_STYLE))


def _ends(shown: PreferencePage | None) -> str:
    """Says what the button ends."""
    if shown is None:
        return "One click, and you get no more messages like this one."
    match shown.scope:
        case OptOutScope.EVERYTHING:
            what = "messages"
        case OptOutScope.MEDIUM:
            what = MEDIA[shown.medium].lower().replace("e-mails", "e-mail")
        case OptOutScope.CHANNEL:
            what = "messages of this kind"
    sender = "whoever sent you this one" if shown.organization_name is None else escape(shown.organization_name)
    return f"One click, and you get no more {what} from {sender}."


def _path(token: str) -> str:
    return escape(f"{UNSUBSCRIBE_PATH}{token}")


def _form(token: str, then: str, content: str) -> str:
    return f'<form method="post" action="{_path(token)}{then}">\n{content}\n</form>'


def _preference_form(token: str, preferences: Sequence[Preference]) -> str:
    groups = groupby(preferences, attrgetter("medium"))
    fields = [line for medium, each in groups for line in _fieldset(medium, each)]
    return _form(token, PREFERENCES, "\n".join([*fields, '<button class="second">Save my choice</button>']))


def _fieldset(medium: Medium, preferences: Iterable[Preference]) -> Iterator[str]:
    yield f"<fieldset><legend>{MEDIA[medium]}</legend>"
    for each in preferences:
        box = f'value="{each.medium}.{each.kind}"'
        ticked = " checked" if each.wanted else ""
        yield f'<input type="hidden" name="{SHOWN}" {box}>'
        yield f'<label><input type="checkbox" name="{WANTED}" {box}{ticked}> {KINDS[each.kind]}</label>'
    yield "</fieldset>"
