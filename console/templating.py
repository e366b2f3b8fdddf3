"""The templates: Jinja2 with everything escaped, and what each of them may call."""

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from console.addresses import url
from console.charts import all as charts
from console.forms import rows
from console.navigation import PLACES
from console.static_files import StaticFiles
from console.typed import UNITS, typed_duration
from console.words import (
    actions,
    consent_sources,
    faults,
    fields,
    messages,
    numbers,
    personal_data,
    places,
    reasons,
    standing,
    states,
    times,
)
from models.base import new_id

FOLDER = Path(__file__).parent / "templates"


class Templates:
    """`static` knows the addresses of stylesheets, scripts and icons."""

    def __init__(self, static: StaticFiles) -> None:
        self._static = static

    def render(self, template: str, /, **context: Any) -> str:
        return self._environment.get_template(template).render(**context)

    @cached_property
    def _environment(self) -> Environment:
        made = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        made.globals |= {
            "i": self._icon,
            "static": self._static.address,
            "charts": charts,
            "places": PLACES,
            "keys": {each.key: each for each in PLACES},
            "days": times.DAYS,
            "countries": places.countries(),
            "state": states.state,
            "standing_words": standing.standing_words,
            "url": url,
            "new_once": _once,
            "addresses_marked": messages.addresses_marked,
            "consent_sources": consent_sources.SOURCES,
            "units": UNITS,
            "most_rows": rows.MOST,
            "typed_duration": typed_duration,
        }
        made.filters |= {
            "n": numbers.number,
            "share": numbers.share,
            "short": numbers.short,
            "plural": numbers.plural,
            "unit_word": numbers.unit_word,
            "country": places.country,
            "attributes": _attributes,
            "read_only": _read_only,
            "reason": reasons.reason,
            "label": fields.label_of,
            "duration": times.duration,
            "iso_duration": times.iso_duration,
            "latency": times.latency,
            "in_words": faults.in_words,
            "detail_in_words": faults.detail_in_words,
            "done": actions.done,
            "kept_of": personal_data.kept_of,
        }
        made.globals["place"] = places.place
        made.globals["percent"] = numbers.percent
        return made

    def _icon(self, name: str, classes: str = "i") -> Markup:
        """One of the icons of `static/icons.svg`."""
        return Markup('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>').format(
            classes, self._static.address("icons.svg"), name
        )


def _attributes(given: Mapping[str, Any]) -> Markup:
    """The attributes of an element. What is False or None is left out, because `required="False"` requires; what is True has no
    value."""
    return Markup("").join(
        Markup(" {}").format(name) if value is True else Markup(' {}="{}"').format(name, value)
        for name, value in given.items()
        if value is not None and value is not False
    )


def _read_only(markup: str, is_so: bool) -> Markup:
    """Disables every field and button of a part of a page, for those who may look at it and not change it. Only markup of ours
    has such tags: what people have written is escaped."""
    found = re.sub(r"<(input|select|textarea|button)\b", r"<\1 disabled", markup) if is_so else markup
    return Markup(found)  # noqa: S704 - it was markup already


def _once() -> str:
    """An Idempotency-Key for a form that creates or sends: a second click on its button does nothing more."""
    return str(new_id())
