"""Times as people read them, in the organization's time zone."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup
from pydantic import TypeAdapter, ValidationError

from models.base import now

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Times:
    """`zone` is a name of the time zone database."""

    def __init__(self, zone: str, at: datetime | None = None) -> None:
        self.zone_name = zone
        self._zone = ZoneInfo(zone)
        self.now = (at or now()).astimezone(self._zone)

    def local(self, value: str | datetime) -> datetime:
        """Reads what the API says and shows it here."""
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(self._zone)

    def moment(self, value: str | None) -> datetime | None:
        """Reads what a person has typed, a date or a time; None when it is neither."""
        try:
            found = datetime.fromisoformat(value) if value else None
            return found and (self.local(found) if found.tzinfo else found.replace(tzinfo=self._zone))
        except (ValueError, OverflowError):
            return None

    def at(self, value: str | datetime | None) -> Markup:
        """`Thu 26 Nov, 09:00`, with the year when it is not this one; a dash for None."""
        return self._shown(value, lambda moment: f"{self._day(moment)}, {moment:%H:%M}")

    def exactly(self, value: str | datetime | None) -> Markup:
        """`Thu 26 Nov, 09:00:08`"""
        return self._shown(value, lambda moment: f"{self._day(moment)}, {moment:%H:%M:%S}")

    def day(self, value: str | datetime | None) -> Markup:
        """`Thu 26 Nov`"""
        return self._shown(value, self._day)

    def clock(self, value: str | datetime | None) -> Markup:
        """`16:42:08` for today, else the day and the minute."""
        return self._shown(
            value, lambda m: f"{m:%H:%M:%S}" if m.date() == self.now.date() else f"{m.day} {MONTHS[m.month - 1]}, {m:%H:%M}"
        )

    def second(self, value: str | datetime | None) -> Markup:
        """`16:42:08`, where the day stands elsewhere."""
        return self._shown(value, lambda moment: f"{moment:%H:%M:%S}")

    def midnight(self, text: str) -> str:
        """A day such as `2026-11-26`, as a form sends it, as its first moment here; another text stays, for the API to judge."""
        try:
            day = date.fromisoformat(text)
        except ValueError:
            return text
        return datetime(day.year, day.month, day.day, tzinfo=self._zone).isoformat()

    def ago(self, value: str | datetime | None) -> Markup:
        """`4 h 17 min ago`, or `in 2 d 3 h`."""

        def said(moment: datetime) -> str:
            rest = moment - self.now
            words = duration(abs(rest))
            return f"in {words}" if rest > timedelta() else f"{words} ago"

        return self._shown(value, said)

    def _day(self, moment: datetime) -> str:
        year = "" if moment.year == self.now.year else f" {moment.year}"
        return f"{DAYS[moment.weekday()]} {moment.day} {MONTHS[moment.month - 1]}{year}"

    def _shown(self, value: str | datetime | None, show: Callable[[datetime], str]) -> Markup:
        if value is None or value == "":
            return Markup("–")
        moment = self.local(value)
        return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(timespec="seconds"), show(moment))


_DURATION = TypeAdapter(timedelta)
UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def duration(value: timedelta | float) -> str:
    """Two units at most: `4 h 17 min`, `3 d`, `12 s`; below a second `84 ms`."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    rest, parts = round(seconds), list[str]()
    for unit, size in UNITS:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(filter(None, parts))


def latency(milliseconds: float | None) -> str:
    """`84 ms`, `2.9 s`, `1 min 12 s`; a dash for what is not known."""
    if milliseconds is None:
        return "–"
    if milliseconds < 60_000:
        return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"
    return duration(milliseconds / 1000)


def iso_duration(value: str | None) -> str:
    """Says `P3D`, `PT1H30M` in words: `3 d`, `1 h 30 min`. What it cannot read stays as it is."""
    try:
        return duration(_DURATION.validate_python(value)) if value else "–"
    except ValidationError:
        return str(value)
