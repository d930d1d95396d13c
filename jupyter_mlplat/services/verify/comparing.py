"""Where two ways of running a notebook differ."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlplat.resources.pipeline import Difference, Pipeline, StepCell
from jupyter_mlplat.services.verify.running import Ran

_TIME = r"[\d.]+ (?:[m\u00b5\u03bcn]?s|min|h)"  # micro sign or mu
_NOISE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\b0x[0-9a-fA-F]{4,}\b", "0x…"),
        (r"\x1b\[[0-9;]*m", ""),
        (r"(CPU times|Wall time): .*", r"\1: …"),
        (rf"{_TIME} ± {_TIME} per loop.*", "… per loop"),
        (r"\bin \d+\.\d+ ?s(?:ec(?:onds?)?)?\b", "in … s"),  # unittest, pytest
        (r"\[\d[\d:]*<[\d:?]+, [^\]\n]*\]", "[…]"),  # a bar of tqdm
        (r"\b\d+(?:\.\d+)?(?:m|u|\u00b5|\u03bc)?s/(?:step|epoch|it)\b", "… s/step"),
        (r"(?:/tmp|/var/tmp)/(?:ipykernel_\d+|mlplat_cells)/\w+\.py", "<cell>"),
        (r"\b(?:[0-9a-f]{16}|\d{6,12})\.py\b", "<cell>"),
        (r"<ipython-input-\d+-\w+>", "<cell>"),
        (r"\b(In|Out) ?\[\d+\]", r"\1[…]"),
        (r"pid[= ]\d+", "pid …"),
        (r"sk-(container|estimator)-id-\d+", r"sk-\1-id-…"),  # counts what a process displays
    )
)


@dataclass(frozen=True)
class Way:
    """What one way of running left behind, whichever way it was."""

    outputs: Mapping[str, list[dict[str, Any]]]
    names: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, str | None]
    errors: Mapping[str, tuple[str, str]]  # cell id -> name and value of the exception
    failed_replays: frozenset[tuple[str, str]] = frozenset()
    """Exceptions of statements that steps replay: imports, settings."""


def of_whole(ran: Ran, files: Mapping[str, str | None]) -> Way:
    """Take a run from top to bottom as a way."""
    return Way(ran.outputs, ran.snapshot.get("names", {}), files, _errors([ran]))


def of_steps(pipeline: Pipeline, done: Mapping[str, Ran], files: Mapping[str, str | None]) -> Way:
    """Take the runs of steps as a way: the last step that writes a name decides its value."""
    outputs: dict[str, list[dict[str, Any]]] = {}
    names: dict[str, Mapping[str, Any]] = {}
    for step in sorted(pipeline.steps, key=lambda step: step.cells[0].index if step.cells else -1):
        ran = done.get(step.name)
        if ran is None:
            continue
        outputs.update(ran.outputs)
        for name in ran.snapshot.get("deleted", ()):
            names.pop(name, None)
        for name, entry in ran.snapshot.get("names", {}).items():
            if entry["written"] or name not in names:
                names[name] = entry
    replays = _errors(done.values(), "import-error", "name")
    return Way(outputs, names, files, _errors(done.values()), frozenset(replays.values()))


def compare(
    expected: Way, found: Way, cells: Sequence[StepCell], step_of: Callable[[str | None], str]
) -> Iterator[Difference]:
    """List the differences of a way from the expected one, in the order of the cells."""
    for cell in cells:
        if cell.id not in expected.outputs:
            return  # the notebook itself fails above: what comes after has no expectation
        yield from _compare_cell(cell.id, expected, found, step_of(cell.id))
    yield from _compare_names(expected, found, step_of)
    for name in sorted({*expected.files, *found.files}):
        was, is_now = expected.files.get(name, "none"), found.files.get(name, "none")
        if was != is_now:
            what = f"file {name!r} is {_file(is_now)}, expected it {_file(was)}"
            yield Difference(step=step_of(None), what=what)


def _compare_cell(cell: str, expected: Way, found: Way, step: str) -> Iterator[Difference]:
    error = expected.errors.get(cell)
    if cell not in found.outputs and error in found.failed_replays:
        return  # the cell is only replayed, and fails there just so
    if error != found.errors.get(cell):
        what = f"raised {_error(found.errors.get(cell))}, expected {_error(error)}"
        yield Difference(step=step, cell=cell, what=what)
        return
    was, is_now = expected.outputs[cell], found.outputs.get(cell)
    if is_now is None:
        if was:
            yield Difference(step=step, cell=cell, what=f"did not run, expected {_show(was)}")
        return
    if normalise(was) != normalise(is_now):
        what = f"showed {_show(is_now)}, expected {_show(was)}"
        yield Difference(step=step, cell=cell, what=what)


def _compare_names(
    expected: Way, found: Way, step_of: Callable[[str | None], str]
) -> Iterator[Difference]:
    for name, was in expected.names.items():
        is_now = found.names.get(name)
        cell = was["cell"]
        if is_now is None:
            if not was["importable"]:
                what = f"{name!r} is not bound, expected {was['text']}"
                yield Difference(step=step_of(cell), cell=cell, what=what)
        elif is_now["digest"] != was["digest"]:
            what = f"{name!r} is {is_now['text']}, expected {was['text']}"
            if is_now["text"] == was["text"]:
                what = f"{name!r} differs inside: {was['type']} {was['text']}"
            yield Difference(step=step_of(cell), cell=cell, what=what)
    for name, extra in found.names.items():
        if name not in expected.names and not extra["importable"]:
            what = f"{name!r} is {extra['text']}, expected it not to be bound"
            yield Difference(step=step_of(extra["cell"]), cell=extra["cell"], what=what)


def normalise(outputs: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return outputs without what two equal runs may show otherwise.

    Neighbouring texts of a stream joined.
    """
    result: list[Any] = []
    for output in outputs:
        kind = output["output_type"]
        if kind == "stream":
            text = denoise(_text(output["text"]))
            if result and result[-1][:2] == ["stream", output["name"]]:
                result[-1][2] += text
            else:
                result.append(["stream", output["name"], text])
        elif kind == "error":
            result.append(["error", output["ename"], denoise(output["evalue"])])
        else:
            data = {
                mime: denoise(json.dumps(value, sort_keys=True, ensure_ascii=False))
                for mime, value in output["data"].items()
            }
            result.append([kind, data])
    return result


def denoise(text: str) -> str:
    """Replace addresses, timings and names of cells."""
    for pattern, replacement in _NOISE:
        text = pattern.sub(replacement, text)
    return text


def _errors(
    runs: Iterable[Ran], code: str = "cell-error", key: str = "cell"
) -> dict[str, tuple[str, str]]:
    found = {}
    for ran in runs:
        error = ran.error
        if error is not None and error.get("code") == code:
            found[error[key]] = (error["name"], denoise(error["value"]))
    return found


def _error(error: tuple[str, str] | None) -> str:
    return "nothing" if error is None else f"{error[0]}: {error[1]}"[:160]


def _file(digest: str | None) -> str:
    if digest is None:
        return "deleted"
    return "untouched" if digest == "none" else f"written (sha256 {digest[:12]}…)"


def _text(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


def _show(outputs: Sequence[Mapping[str, Any]]) -> str:
    if not outputs:
        return "nothing"
    shown = []
    for output in outputs:
        if output["output_type"] == "stream":
            shown.append(repr(_text(output["text"])))
        elif output["output_type"] == "error":
            shown.append(f"{output['ename']}: {output['evalue']}")
        else:
            data = output["data"]
            shown.append(repr(_text(data.get("text/plain", sorted(data)))))
    text = ", ".join(shown)
    return text if len(text) <= 200 else text[:199] + "…"
