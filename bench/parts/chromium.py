"""Finds the Chromium in which the pages are tried."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW = (
    "No Chromium was found, so the pages are not tried in one: install it (Debian: apt install chromium), or set CHROMIUM to it."
)


def chromium() -> str | None:
    """The path of the system's browser; CHROMIUM names another one."""
    named = os.getenv("CHROMIUM")
    return next((found for name in (named, *NAMES) if name and (found := shutil.which(name))), None)
