"""Compiled modules are kept, whatever the environment says."""

import os
import sys


def keep_bytecode() -> None:
    """In this process and its children. Temporal's sandbox loads a workflow's module anew for each run of it: where nothing
    compiled is kept, that compiles it each time. Where files cannot be written, an image compiles them when it is built."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
