"""Decides which environment variables reach us and the servers. Libraries read many variables by themselves, and most of them
belong to other work.

`forget_foreign` is called once in every process of ours, before the libraries are imported. The embedded servers get
`for_servers`, a list of what a program needs on this machine, so that nothing else can reach them. `docs/production.md` has the
table of what counts.
"""

import os
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from pydantic_settings import DotEnvSettingsSource

from settings import Settings

LIBRARIES = ("PSYCOPG_", "GRANIAN_", "TOKIO_", "PROMETHEUS_", "OTEL_", "ALEMBIC_", "UA_PARSER_", "SQLALCHEMY_", "SSLKEYLOG")
"""Prefixes of variables that libraries read by themselves and that nobody sets for Linkwake. By the last one, Python
writes the keys of our TLS connections into a file, or fails where it cannot."""
DATABASE = "PG"
"""The prefix of libpq's variables. Address, user and options of a database stand in DATABASE_URL alone."""
DATABASE_PROOF = ("PGPASS", "PGSSL", "PGREQUIRE", "PGGSS", "PGCHANNELBINDING", "PGKRBSRVNAME")
"""Variables that say how a client proves who it is and how it encrypts. They count with a database of one's own when DATABASE_URL
does not say it."""
TEMPORAL = "TEMPORAL_"
"""The prefix of Temporal's variables. With a Temporal server of one's own, the client reads them as Temporal documents."""
SETTINGS = {name.upper() for name in Settings.model_fields}
COMPOSE = {"POSTGRES_PASSWORD", "PUBLISH_ADDRESS"}
"""Variables that docker-compose.temporal.yml reads from `.env` besides the settings."""
MACHINE = {"PATH", "TMPDIR"}
"""HOME is left out: PostgreSQL's and Temporal's tools would read files of the user there, and end when one is broken."""
MACHINE_PREFIX = "LD_"
"""Variables of the machine's program loader."""


def forget_foreign(settings: Settings | None = None) -> None:
    """Removes the variables that must not count from this process, and so from its children. Without settings it does the same as
    for the embedded servers."""
    own_database = settings is not None and bool(settings.database_url)
    own_temporal = settings is not None and settings.names_a_temporal
    for name in [*os.environ]:
        if _is_foreign(name, own_database, own_temporal):
            del os.environ[name]


def misspelled(env_file: Path) -> Iterator[tuple[str, str]]:
    """Returns names in the file that are almost a setting, each with the setting that is probably meant. Other names are left
    alone, because the file can also hold variables of the compose file."""
    for name in DotEnvSettingsSource(Settings, env_file=env_file).env_vars:
        close = get_close_matches(name.upper(), SETTINGS, n=1, cutoff=0.8)
        if close and name.upper() not in SETTINGS | COMPOSE:
            yield name.upper(), close[0]


def named_variable(name: str) -> str | None:
    """Returns the value of a variable that somebody has named on the command line, such as one that holds a secret."""
    return os.environ.get(name)


def for_servers() -> dict[str, str]:
    """Returns the whole environment of an embedded server."""
    return {name: value for name, value in os.environ.items() if name in MACHINE or name.startswith(MACHINE_PREFIX)}


def _is_foreign(name: str, own_database: bool, own_temporal: bool) -> bool:
    if name.startswith(DATABASE):
        return not (own_database and name.startswith(DATABASE_PROOF))
    if name.startswith(TEMPORAL):
        return not own_temporal and name not in SETTINGS
    return name.startswith(LIBRARIES)
