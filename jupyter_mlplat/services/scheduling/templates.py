"""Texts with places for what is known when a schedule fires. Nothing is evaluated.

    {{ fire_time }}  {{ fire_time:%Y-%m-%d }}  {{ fire_time - 1d:%Y%m%d }}
    {{ previous_success | 2024-01-01 }}  {{ index }}  {{ schedule }}  {{ event.version }}

Times are those of the schedule's zone. A text that is one place and nothing else becomes what it
names: `{{ index }}` is a number. What follows `|` stands in where nothing is known. Kubeflow's
`[[ScheduledTime.2006-01-02]]`, `[[CurrentTime]]` and `[[Index]]` are understood as well.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.base import JsonValue

_PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_INSIDE = re.compile(
    r"\s*(?P<name>[a-z_]+(?:\.[A-Za-z_]\w*)?)\s*"
    r"(?:(?P<sign>[+-])\s*(?P<amount>\d{1,6})\s*(?P<unit>[smhdw])\s*)?"
    r"(?::(?P<format>[^|]*?))?\s*(?:\|\s*(?P<default>.*?)\s*)?"
)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_TIMES = ("fire_time", "previous_fire", "previous_success", "now")
_NAMES = (*_TIMES, "index", "row", "schedule")
_MAY_BE_UNKNOWN = ("previous_fire", "previous_success")

_KFP = re.compile(r"\[\[(ScheduledTime|CurrentTime|Index)(?:\.([^\]]*))?\]\]")
_KFP_DEFAULT = "20060102150405"
_GO_LAYOUT = re.compile(
    r"2006|January|Jan|01|02|15|03|04|05|06|Monday|Mon|MST|-0700|-07:00|PM|Z07:00"
)
_GO = {
    **{"2006": "%Y", "January": "%B", "Jan": "%b", "01": "%m", "02": "%d", "15": "%H"},
    **{"03": "%I", "04": "%M", "05": "%S", "06": "%y", "Monday": "%A", "Mon": "%a"},
    **{"MST": "%Z", "-0700": "%z", "-07:00": "%:z", "PM": "%p", "Z07:00": "%:z"},
}


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known when a schedule fires."""

    schedule: str
    zone: tzinfo
    fire_time: datetime
    now: datetime
    index: int = 1  # how often it has fired, with this time
    row: int = 0
    previous_fire: datetime | None = None
    previous_success: datetime | None = None
    event: Mapping[str, JsonValue] = field(default_factory=dict)


def render(value: JsonValue, moment: Moment) -> JsonValue:
    """Fill in every text of a value.

    Raises:
        InvalidInput: A place names nothing that is known.
    """
    if isinstance(value, str):
        return _render_text(value, moment)
    if isinstance(value, list):
        return [render(item, moment) for item in value]
    if isinstance(value, dict):
        return {key: render(item, moment) for key, item in value.items()}
    return value


def check(value: JsonValue, has_event: bool) -> None:
    """Refuse templates that could not be filled in.

    Raises:
        InvalidInput: A place is not understood, or nothing would be known the first time.
    """
    if isinstance(value, str):
        for found in _PLACE.finditer(value):
            _read(found, value, has_event)
    elif isinstance(value, list | dict):
        for item in value if isinstance(value, list) else value.values():
            check(item, has_event)


def has_places(value: JsonValue) -> bool:
    """Tell whether a value is another one each time."""
    if isinstance(value, str):
        return bool(_PLACE.search(value) or _KFP.search(value))
    if isinstance(value, list):
        return any(map(has_places, value))
    return isinstance(value, dict) and any(map(has_places, value.values()))


def _read(found: re.Match[str], text: str, has_event: bool) -> re.Match[str]:
    inside = _INSIDE.fullmatch(found[1])
    is_event = inside is not None and inside["name"].startswith("event.")
    if inside is None or not (inside["name"] in _NAMES or is_event):
        names = ", ".join((*_NAMES, "event.NAME"))
        raise InvalidInput(
            f"Cannot use the template {text!r}: {found[0]!r} is not understood. Write "
            f"{{{{ fire_time:%Y-%m-%d }}}}, or one of: {names}."
        )
    name = inside["name"]
    if is_event and not has_event and inside["default"] is None:
        raise InvalidInput(
            f"Cannot use the template {text!r}: only a schedule that waits for something other "
            f"than time knows {name!r}. Use fire_time."
        )
    if (inside["sign"] or inside["format"] is not None) and name not in _TIMES:
        raise InvalidInput(
            f"Cannot use the template {text!r}: {name!r} is no time, so it has no format and "
            "nothing can be added to it."
        )
    if name in _MAY_BE_UNKNOWN and inside["default"] is None:
        raise InvalidInput(
            f"Cannot use the template {text!r}: the first time there is no {name}. Say what is "
            f"meant then: {{{{ {name} | 2024-01-01 }}}}."
        )
    return inside


def _render_text(text: str, moment: Moment) -> JsonValue:
    whole = _PLACE.fullmatch(text)
    if whole:
        return _value(_read(whole, text, True), text, moment)

    def fill(found: re.Match[str]) -> str:
        return str(_value(_read(found, text, True), text, moment))

    return _KFP.sub(lambda found: _kfp_value(found, moment), _PLACE.sub(fill, text))


def _value(inside: re.Match[str], text: str, moment: Moment) -> JsonValue:
    name = inside["name"]
    value: JsonValue | datetime
    if name.startswith("event."):
        value = moment.event.get(name.removeprefix("event."))
    else:
        value = getattr(moment, name)
    if value is None:
        if inside["default"] is None:
            raise InvalidInput(f"Cannot fill in {text!r}: there is no {name} this time.")
        return inside["default"].strip("'\"")
    if not isinstance(value, datetime):
        return value
    if inside["sign"]:
        seconds = int(inside["amount"]) * _UNITS[inside["unit"]]
        value += timedelta(seconds=seconds if inside["sign"] == "+" else -seconds)
    local = value.astimezone(moment.zone)
    pattern = (inside["format"] or "").strip()
    return local.strftime(pattern) if pattern else local.isoformat(timespec="seconds")


def _kfp_value(found: re.Match[str], moment: Moment) -> str:
    if found[1] == "Index":
        return str(moment.index)
    time = moment.fire_time if found[1] == "ScheduledTime" else moment.now
    layout = found[2] or _KFP_DEFAULT
    pattern = _GO_LAYOUT.sub(lambda part: _GO[part[0]], layout.replace("%", "%%"))
    return time.strftime(pattern)
