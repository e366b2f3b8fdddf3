"""Keeps compiled Python modules, whatever the environment says."""

import os
import sys


def keep_bytecode() -> None:
    """Applies to this process and its children, so that a process that starts again does not compile every module again. Where
    files cannot be written, as in an image, they are compiled when the image is built."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
