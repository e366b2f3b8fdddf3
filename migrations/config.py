"""Alembic without an ini file: where the migrations are, and the database they are for."""

from pathlib import Path

from alembic.config import Config


def alembic_config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["url"] = url
    return config
