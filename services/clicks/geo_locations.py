"""Finds where a click came from, with a GeoLite2, GeoIP2 or DB-IP City file. It never fails: without a file, clicks have no
location."""

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
"""Seconds between two looks at the file for a new version."""

OLD_AFTER = timedelta(days=60)


@dataclass(frozen=True)
class GeoLocation:
    """`country` is in ISO 3166-1 alpha-2, `city` and `region` are in English. The region is the largest part of the country that
    the database names, such as a state. Each is None when it is not known."""

    country: str | None = None
    city: str | None = None
    region: str | None = None


NOWHERE = GeoLocation()


@dataclass(frozen=True)
class PlacesState:
    """What diagnostics say about the file in use. `problem` says why clicks get no location, and is None when they do."""

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
    """The GeoLite2 City file of December 2019, the last one under a free licence, from the package that contains it."""
    spec = importlib.util.find_spec("_geoip_geolite2")
    return Path(spec.origin).parent / "GeoLite2-City.mmdb" if spec and spec.origin else None


class GeoLocations:
    """Looks locations up in `path`, memory-mapped, and takes a new file when it is replaced. With `path` None it uses the demo
    database.

    Replace the file by renaming a new one over it, as `geoipupdate` does, because a mapped file must not be shortened in place.
    It can be shared between threads.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or demo_database()
        self._state = PlacesState(self._path, demo=path is None)
        self._reader: Reader | None = None
        self._seen: tuple[int, int, int] | None = None
        self._look_at = 0.0
        self._lock = threading.Lock()

    def find(self, ip: str | None) -> GeoLocation:
        """Takes IPv4 or IPv6. Returns NOWHERE for private, unknown and malformed addresses."""
        self._refresh()
        reader = self._reader
        if reader is None or not ip:
            return NOWHERE
        try:
            # The reader is used without geoip2's models, which take six times as long for everything in a record.
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
            # The old reader is not closed, because another thread may be in it. It goes with its last reference.
            self._reader, build_date = _open_city(str(self._path))
        except (InvalidDatabaseError, OSError, ValueError) as error:
            self._give_up(f"The geo database {self._path} cannot be read: {error}")
        else:
            self._state = replace(self._state, build_date=build_date, problem=None)

    def _give_up(self, problem: str) -> None:
        self._reader = None
        self._state = replace(self._state, build_date=None, problem=problem)


def _place(record: object) -> GeoLocation:
    """Reads a record of a City file. A part that is missing in it is not known."""
    code = _part(record, "country").get("iso_code")
    subdivisions = record.get("subdivisions") if isinstance(record, dict) else None
    largest = subdivisions[0] if isinstance(subdivisions, list) and subdivisions else None
    return GeoLocation(code if isinstance(code, str) else None, _english_name(_part(record, "city")), _english_name(largest))


def _english_name(record: object) -> str | None:
    name = _part(record, "names").get("en")
    return name if isinstance(name, str) else None


def _part(record: object, name: str) -> dict[str, Any]:
    part = record.get(name) if isinstance(record, dict) else None
    return part if isinstance(part, dict) else {}


def _identity(path: Path | None) -> tuple[int, int, int] | None:
    """What changes when the file is replaced, or None when there is no file."""
    try:
        about = path.stat() if path else None
    except OSError:
        return None
    return (about.st_mtime_ns, about.st_ino, about.st_size) if about else None


def _open_city(path: str) -> tuple[Reader, datetime]:
    """Raises ValueError for a database of another type. A Country file would silently give every click no city."""
    reader = open_database(path, mode=_mapping())
    about = reader.metadata()
    if "City" not in about.database_type:
        raise ValueError(f"it is of type {about.database_type}, and a City file is needed")
    return reader, datetime.fromtimestamp(about.build_epoch, UTC)


def _mapping() -> int:
    """Returns the C reader where it was built, and otherwise the one in Python."""
    return MODE_MMAP_EXT if importlib.util.find_spec("maxminddb.extension") else MODE_MMAP
