"""Write a migration from the difference between the models and a migrated database: `python -m migrations "what changes"`.

The database is the one of the settings: run `./linkwake migrate` first.
"""

import sys

from alembic import command

from migrations.config import alembic_config
from settings import Settings

command.revision(alembic_config(Settings().effective_database_url), message=sys.argv[1], autogenerate=True)
