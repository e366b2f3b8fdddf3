"""The small page that a contact sees when a link leads nowhere: readable on a phone and in the dark, and whole in itself."""

import base64
import hashlib
from functools import lru_cache
from html import escape

TITLES = {
    400: "That is no link",
    404: "This link leads nowhere",
    405: "That is no link",
    429: "One moment, please",
    500: "Something went wrong",
    503: "One moment, please",
}
STYLE = """
:root { color-scheme: light dark; --ground: #f6f6f3; --card: #fff; --ink: #1d1f23; --quiet: #5a5f68; --line: #e2e2dc }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14161a; --card: #1d2026; --ink: #eceef1; --quiet: #a5abb5; --line: #30343c }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; min-height: 100svh; display: grid; place-items: center; padding: 1.5rem;
  background: var(--ground); color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
main { max-width: 26rem; width: 100%; padding: 2rem 1.75rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 1rem }
h1 { margin: 0 0 .6rem; font-size: 1.35rem; line-height: 1.25; font-weight: 650; text-wrap: balance }
p { margin: 0; color: var(--quiet) }
"""


def page_headers(style: str, form_action: str = "'none'") -> list[tuple[str, str]]:
    """Returns the headers of a page with this style. Nothing else is loaded, run or framed, and forms are sent to `form_action`
    alone."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    rest = f"base-uri 'none'; form-action {form_action}; frame-ancestors 'none'"
    return [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", f"default-src 'none'; style-src 'sha256-{digest}'; {rest}"),
        ("x-content-type-options", "nosniff"),
    ]


PAGE_HEADERS = page_headers(STYLE)


@lru_cache(maxsize=64)
def document(status: int, sentence: str) -> bytes:
    """Made once for each sentence: many unknown links cost no more than one."""
    return card(TITLES.get(status, TITLES[500]), f"<p>{escape(sentence)}</p>", STYLE)


def card(title: str, content: str, style: str) -> bytes:
    """Returns a page with a heading. `content` is HTML, `title` is text."""
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>{style}</style>\n<main>\n<h1>{escape(title)}</h1>\n{content}\n</main>\n</html>\n"
    ).encode()
