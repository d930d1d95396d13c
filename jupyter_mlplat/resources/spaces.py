"""What is wrong with a dimension of a search space, told alike wherever it was written."""

import math

from jupyter_mlplat.resources.tuning import SpaceParameter


def fault_of(parameter: SpaceParameter) -> tuple[str, str] | None:
    """Say which field of a dimension is wrong, and what is wrong with it; None where nothing is.

    Source:
        Katib's webhook (`pkg/webhook/v1beta1/experiment/validator`), and what its suggestion
        services refuse: a minimum above the maximum, logarithms of what is not above zero.
    """
    if parameter.type in ("discrete", "categorical"):
        return _fault_of_values(parameter)
    low, high, step = parameter.minimum, parameter.maximum, parameter.step
    if low is None or high is None:
        return ("minimum" if low is None else "maximum"), "is needed"
    if not (math.isfinite(low) and math.isfinite(high)):
        return "minimum" if not math.isfinite(low) else "maximum", "has to be a finite number"
    if low > high:
        return "minimum", f"{low:g} is above the maximum, {high:g}"
    if parameter.type == "int":
        for name, value in (("minimum", low), ("maximum", high), ("step", step)):
            if value is not None and value != int(value):
                return name, f"{value:g} is no whole number, as type int needs"
    if parameter.distribution in ("log-uniform", "log-normal") and low <= 0:
        return "minimum", f"{low:g} has no logarithm: {parameter.distribution} needs one above 0"
    if step is not None and not (math.isfinite(step) and step > 0):
        return "step", f"{step:g} is no step: it has to be above 0"
    return None


def _fault_of_values(parameter: SpaceParameter) -> tuple[str, str] | None:
    values = parameter.values
    if not values:
        return "values", "are needed: at least one"
    seen: list[tuple[type, object]] = []
    for value in values:
        key = (type(value), value)
        if key in seen:
            return "values", f"{value!r} stands there twice"
        seen.append(key)
    if parameter.type == "discrete":
        for value in values:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not math.isfinite(float(str(value))):
                return "values", f"{value!r} is no number, as type discrete needs"
    return None
