"""Alembic's entry: runs migrations against `config.attributes["url"]`, which `./linkwake migrate` and `up` set."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import create_engine, text

from models.database import engine_url
from models.tables import metadata

# Any number; one migration at a time, also when two machines start together.
MIGRATION_LOCK = 7_246_510


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Monthly partitions of `click` are made while running (see models/clicks/click.py), not by migrations. Those of `live_event`
    are no tables of the models."""
    return not (kind == "table" and name is not None and name.startswith(("click_p", "live_event_")))


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our column types as what they are in PostgreSQL, so that old migrations do not depend on new code."""
    names = {"Timestamp": "sa.DateTime(timezone=True)", "TextArray": "postgresql.ARRAY(sa.Text())", "AutoString": "sa.String()"}
    return names.get(type(item).__name__, False) if kind == "type" else False


def run() -> None:
    engine = create_engine(engine_url(context.config.attributes["url"]), hide_parameters=True)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=metadata,
            include_name=include_name,
            render_item=render_item,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.commit()
    engine.dispose()


run()
