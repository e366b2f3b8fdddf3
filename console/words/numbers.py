"""Numbers as people read them: `24,180`, `12.4%`, `1.5 k`; a dash for what is not known, never a zero."""


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def share(part: float | None, whole: float | None = None) -> str:
    """A rate from 0 to 1, or a part of a whole, with one decimal: `28.8%`, `<0.1%`, `–` without a whole."""
    if part is None or (whole is not None and not whole):
        return "–"
    percent = 100 * (part if whole is None else part / whole)
    return "<0.1%" if 0 < percent < 0.05 else f"{percent:.1f}%"


def percent(part: float | None, whole: float | None) -> float:
    """The same as a number for drawing, 0 to 100."""
    return max(0.0, min(100.0, 100 * part / whole)) if part and whole else 0.0


def short(value: float) -> str:
    """For the scale of a chart."""
    if value >= 1_000_000:
        return f"{value / 1_000_000:g} M"
    return f"{value / 1_000:g} k" if value >= 1_000 else f"{value:g}"


def unit_word(count: int | None, one: str, many: str) -> str:
    """What is counted, where the number stands by itself."""
    return one if count == 1 else many


def plural(count: int | None, one: str, many: str = "") -> str:
    """`1 person`, `2 people`, `– people` when nobody knows"""
    return f"{number(count)} {unit_word(count, one, many or one + 's')}"
