"""Every setting of Linkwake, typed. This is the only place that reads the environment.

The fields stand in `setting_groups/`, one file for each area. Names are environment variables in capitals (`database_url` is
`DATABASE_URL`). `.env.example` lists them all and a test keeps the two equal. Without `DATABASE_URL` or `TEMPORAL_ADDRESS`, the
embedded server that `./linkwake up` runs under `VAR_DIR` is used (see `stack/`). Temporal's own variables and profiles are read
by its library, in `Settings.temporal_client` alone.
"""

import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from safe_errors import OwnWords, first_line
from setting_groups.bounces import BounceSettings
from setting_groups.clicks import ClickSettings
from setting_groups.drills import DrillSettings
from setting_groups.limits import LimitSettings
from setting_groups.links import LinkSettings, NameServer, base_address
from setting_groups.outside import OutsideSettings
from setting_groups.readers import CALENDAR_UNITS
from setting_groups.requests import RequestSettings
from setting_groups.sending import SendingSettings
from setting_groups.servers import ServerSettings
from setting_groups.worker import WorkerSettings

__all__ = ["CALENDAR_UNITS", "NameServer", "Settings", "SettingsError", "base_address"]


class Settings(
    ServerSettings,
    RequestSettings,
    LimitSettings,
    LinkSettings,
    ClickSettings,
    WorkerSettings,
    SendingSettings,
    OutsideSettings,
    BounceSettings,
    DrillSettings,
    BaseSettings,
):
    """All settings. A composition root reads them once at start-up and hands them on; nothing below it reads the environment."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        """Lets an empty variable of the process win over `.env`: the setting then has its default."""
        emptied = {name.lower() for name, value in os.environ.items() if not value}
        file = sources["dotenv_settings"]
        file.env_vars = {name: value for name, value in file.env_vars.items() if name.lower() not in emptied}
        return sources["init_settings"], sources["env_settings"], file

    def alive_file(self, role: str) -> Path:
        """The file that the role touches while its event loop runs."""
        return self.var_dir / "alive" / role

    @cached_property
    def stack_state(self) -> dict[str, str]:
        """What a running or earlier `./linkwake up` has stored: DATABASE_URL, TEMPORAL_ADDRESS, TOKEN_KEYS,
        SECRET_KEYS."""
        path = self.var_dir / "stack.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    @property
    def effective_database_url(self) -> str:
        url = self.database_url or self.stack_state.get("database_url")
        if not url:
            raise SettingsError("DATABASE_URL is not set and no embedded stack was found: run ./linkwake up, or set it.")
        return url

    @cached_property
    def names_a_temporal(self) -> bool:
        """Whether the settings name a Temporal server of one's own. Temporal's own variables count only then."""
        return bool(self.temporal_address or os.environ.get("TEMPORAL_PROFILE") or os.environ.get("TEMPORAL_CONFIG_FILE"))

    @cached_property
    def temporal_client(self) -> dict[str, Any]:
        """Address, namespace, TLS and API key of one's own Temporal server, as Temporal's client takes them. It is empty when the
        embedded server is used, which needs no credentials.

        A profile counts when TEMPORAL_PROFILE or TEMPORAL_CONFIG_FILE names it, or beside TEMPORAL_ADDRESS, because the file in
        the user's home may belong to other work.
        """
        if not self.names_a_temporal:
            return {}
        found = _temporal_profile()
        given = {"target_host": self.temporal_address, "namespace": self.temporal_namespace}
        found |= {name: value for name, value in given.items() if value}
        return found if found.get("target_host") else {}

    @property
    def effective_temporal_address(self) -> str:
        address = self.temporal_client.get("target_host") or self.stack_state.get("temporal_address")
        if not address:
            raise SettingsError("TEMPORAL_ADDRESS is not set and no embedded stack was found: run ./linkwake up, or set it.")
        return str(address)

    @property
    def effective_temporal_namespace(self) -> str:
        return str(self.temporal_client.get("namespace") or self.temporal_namespace or "default")

    @property
    def effective_temporal_ui_url(self) -> str | None:
        """The address for links to the Temporal UI. Without it (None) these links are left out."""
        url = self.temporal_ui_url or self.stack_state.get("temporal_ui_url")
        return url.rstrip("/") if url else None

    @property
    def effective_token_keys(self) -> list[bytes]:
        """The keys, newest first, of 32 bytes each."""
        return self._keys("token_keys", self.token_keys)

    @property
    def effective_secret_keys(self) -> list[bytes]:
        """The keys, newest first, of 32 bytes each."""
        return self._keys("secret_keys", self.secret_keys)

    def _keys(self, name: str, given: SecretStr | None) -> list[bytes]:
        text = given.get_secret_value() if given else self.stack_state.get(name)
        if not text:
            raise SettingsError(f"{name.upper()} is not set and no embedded stack was found: run ./linkwake up, or set it.")
        return [bytes.fromhex(key.strip()) for key in text.split(",")]

    @property
    def effective_link_domain(self) -> str:
        return self.link_domain or f"http://127.0.0.1:{self.redirect_port}"

    @property
    def effective_console_url(self) -> str:
        """Where links to pages of the console lead."""
        return f"{self.effective_api_url}/console"

    @property
    def effective_api_url(self) -> str:
        return self.api_url or f"http://127.0.0.1:{self.api_port}"

    @property
    def effective_callback_url(self) -> str:
        """The base of the addresses at which providers report to us. Their signatures are checked over it."""
        return self.callback_url or self.effective_api_url


def _temporal_profile() -> dict[str, Any]:
    """Returns Temporal's variables, which override its profile file. Raises SettingsError."""
    from temporalio.envconfig import ClientConfig  # imported here because it is slow to import and most commands do not need it

    file = os.environ.get("TEMPORAL_CONFIG_FILE")
    if file and not Path(file).is_file():
        raise SettingsError(f"TEMPORAL_CONFIG_FILE={file} is not there: correct it.")
    try:
        return dict(ClientConfig.load_client_connect_config())
    except RuntimeError as error:
        words = first_line(str(error))
        raise SettingsError(f"Temporal's variables or profile cannot be read ({words}): correct TEMPORAL_*.") from error


class SettingsError(OwnWords):
    """A required setting is missing. The message says which one and what to do."""
