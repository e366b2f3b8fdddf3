"""Finds the Chromium in which the pages are tried."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WINDOWLESS = "chromium-headless-shell"
"""Chromium without its windows: the same engine, and a third of the processor time for opening a page. Debian has it as a package
of its own."""
HOW = (
    "No Chromium was found, so the pages are not tried in one: install it (Debian: apt install chromium-headless-shell, or "
    "chromium), or set CHROMIUM to it."
)


def chromium(*rather: str) -> str | None:
    """The path of the system's browser; CHROMIUM names another one. `rather` are looked for before those with windows."""
    named = os.getenv("CHROMIUM")
    return next((found for name in (named, *rather, *NAMES) if name and (found := shutil.which(name))), None)
