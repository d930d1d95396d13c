"""Runs a step where no engine of ours is: as a component of a Kubeflow pipeline.

The component's source calls `run` in the process of KFP's executor; the cells run in a fresh
interpreter beside it, started like any step (`start.py step DIR`), and what they write is passed on
while they run. What is loaded and saved lies in KFP artifacts:

- `saved`, a folder: `saved.json` names the bundle, every blob it rests on lies beside it under its
  digest, `files/` holds what the step left in its working directory.
- `notebook` and `page`, the executed notebook as it is and as HTML.
- `metrics`, and one folder for each model (`model.json` says how to serve what lies beside it).

Standard library only, and nothing of the cells is ever in this process.
"""

from __future__ import annotations

import codecs
import contextlib
import html
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .files import dump_json

LOG_LIMIT_BYTES = 100 << 20
OUTPUT_LIMIT_BYTES = 10 << 20
FILES_LIMIT_BYTES = 1 << 30
"""Files that a step leaves in its working directory for later steps: no data sets, no checkpoints.
"""
_POLL_S = 0.05
_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}")
_EXTENSIONS = {"sklearn": "skops", "onnx": "onnx"}


class StepFailed(Exception):
    """The step has failed; its log says why."""


def run(assets: str, step: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Run a step with what KFP's executor gives its function.

    Args:
        assets: The unpacked archive: our runtime, the stand-in for `jupyter_mlplat`, and in
            `notebook/` what lay beside the notebook.
        step: As `formats.kfp.writing` has put it down: the parts of `step.json` that no run
            changes, and which argument is which.
        given: The arguments.

    Raises:
        StepFailed: A cell or what surrounds it has failed.
    """
    root = tempfile.mkdtemp(prefix="mlplat-")
    try:
        attempt = _Attempt(os.path.realpath(root), os.path.realpath(assets), step, given)
        attempt.prepare()
        status = attempt.execute()
        attempt.hand_over(status)
    finally:
        shutil.rmtree(root, ignore_errors=True)


class _Attempt:
    """One attempt: a directory like those the engine makes, and the arguments that fill it."""

    def __init__(
        self, root: str, assets: str, step: Mapping[str, Any], given: Mapping[str, Any]
    ) -> None:
        self.step, self.given, self.assets = step, given, assets
        self.directory = os.path.join(root, "attempt")
        self.blobs = os.path.join(root, "blobs")
        self.work = os.path.join(root, "work")
        self.places = {"work": self.work, "assets": assets, "prefix": sys.prefix}
        self.before: dict[str, tuple[int, int]] = {}

    def prepare(self) -> None:
        """Lay out the working directory, the inputs and `step.json`."""
        os.makedirs(self.directory)
        os.makedirs(self.blobs)
        notebook = os.path.join(self.assets, "notebook")
        if os.path.isdir(notebook):
            shutil.copytree(notebook, self.work)
        else:
            os.makedirs(self.work)
        bundles: dict[str, str | None] = {}
        moved: list[list[str]] = []
        for maker, argument in self.step["producers"]:
            folder = self.given[argument].path
            saved = _read_json(os.path.join(folder, "saved.json"))
            bundles[maker] = saved["bundle"]
            moved += [[there, self.places[key]] for key, there in saved["places"].items()]
            for name in os.listdir(folder):
                if len(name) == 64:
                    _take(os.path.join(folder, name), self._blob(name))
            _lay_over(os.path.join(folder, "files"), self.work, saved)
        order = dict(self.step["order"])
        order.update(
            version=1,
            run="kfp",
            run_number=None,
            attempt=1,
            home=self.directory,
            blobs=self.blobs,
            doorbell=None,
            cwd=self.work,
            moved=[pair for pair in moved if pair[0] != pair[1]],
            parameters={
                name: parameter_value(self.given.get(name), about)
                for name, about in self.step["parameters"].items()
            },
            inputs=[
                {
                    "name": item["name"],
                    "bundle": bundles[item["step"]],
                    "optional": item["optional"],
                }
                for item in order["inputs"]
            ],
            flush_from_bytes=None,
            log_limit_bytes=LOG_LIMIT_BYTES,
            output_limit_bytes=OUTPUT_LIMIT_BYTES,
        )
        self.order = order
        with open(os.path.join(self.directory, "step.json"), "wb") as file:
            file.write(dump_json(order))
        self.before = _listing(self.work)

    def execute(self) -> int | None:
        """Run the cells and pass on what they write; None when their time was up."""
        script = os.path.join(self.assets, "jupyter_mlplat_runtime", "start.py")
        environment = {key: value for key, value in os.environ.items() if key != "_KFP_RUNTIME"}
        environment.setdefault("PYTHONHASHSEED", "0")  # sets are in one order in all steps
        logs = [
            _Tail(os.path.join(self.directory, "stdout.log"), sys.stdout),
            _Tail(os.path.join(self.directory, "stderr.log"), sys.stderr),
        ]
        timeout_s = self.step.get("timeout_s")
        deadline = math.inf if timeout_s is None else time.monotonic() + timeout_s
        process = subprocess.Popen(
            [sys.executable, "-I", script, "step", self.directory],
            stdin=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        with _signals_to(process.pid):
            while not _has_ended(process):
                if time.monotonic() > deadline:
                    _end_group(process)
                    return None
                for log in logs:
                    log.pass_on()
        _kill_group(process.pid)  # what cells have left behind
        for log in logs:
            log.pass_on(is_last=True)
        return process.returncode

    def hand_over(self, status: int | None) -> None:
        """Fill the output artifacts.

        Raises:
            StepFailed: There is nothing to hand over but the notebook.
        """
        self._write_notebook()
        name = self.order["step"]
        try:
            result = _read_json(os.path.join(self.directory, "result.json"))
        except OSError:
            if status is None:
                why = f"it took longer than {self.step['timeout_s']:g} s"
            elif status < 0:
                why = f"its process was ended by signal {signal.Signals(-status).name}"
            else:
                why = f"its process ended with status {status}"
            raise StepFailed(f"Step {name!r} did not finish: {why}.") from None
        if result["state"] != "succeeded":
            error = result["error"]
            for line in error.get("traceback") or ():
                print(_ANSI.sub("", line), file=sys.stderr)
            raise StepFailed(f"Step {name!r} failed: {error['message']}")
        self._write_saved(result)
        for metric, value in result["metrics"].items():
            if "metrics" in self.step["outputs"]:
                self._output("metrics").log_metric(metric, value)
        for model in result["models"]:
            self._write_model(model)

    # - the artifacts -

    def _output(self, name: str) -> Any:
        return self.given[self.step["outputs"][name]]

    def _folder(self, name: str) -> str:
        path: str = self._output(name).path
        os.makedirs(path, exist_ok=True)
        return path

    def _write_saved(self, result: Mapping[str, Any]) -> None:
        if "saved" not in self.step["outputs"]:
            return
        folder = self._folder("saved")
        bundle = result["bundle"]
        for digest in self._reachable([bundle] if bundle else []):
            name = digest.partition(":")[2]
            _take(self._blob(name), os.path.join(folder, name))
        names = {key: item.get("type", "") for key, item in result["outputs"].items()}
        about = {"bundle": bundle, "names": names, "places": self.places, "gone": [], "folders": []}
        if self.step["keeps_files"]:
            about["gone"] = self._keep_files(os.path.join(folder, "files"))
            about["folders"] = _folders(self.work)
        with open(os.path.join(folder, "saved.json"), "wb") as file:
            file.write(dump_json(about))
        self._output("saved").metadata["names"] = names

    def _keep_files(self, folder: str) -> list[str]:
        """Put by what the step has made or changed in its working directory; return what is gone.

        Raises:
            StepFailed: It is more than later steps could be handed.
        """
        now = _listing(self.work)
        changed = [path for path, facts in now.items() if self.before.get(path) != facts]
        size = sum(now[path][0] for path in changed)
        if size > FILES_LIMIT_BYTES:
            raise StepFailed(
                f"Step {self.order['step']!r} leaves {size} bytes in its working directory, and "
                f"later steps are handed at most {FILES_LIMIT_BYTES}. Write large files to a "
                "store that all steps reach."
            )
        for path in changed:
            target = os.path.join(folder, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(os.path.join(self.work, path), target)
        return [path for path in self.before if path not in now]

    def _write_model(self, model: dict[str, Any]) -> None:
        key = f"model {model['name']}"
        if key in self.step["outputs"]:
            artifact, folder = self._output(key), self._folder(key)
        elif "models" in self.step["outputs"]:
            artifact = None
            folder = os.path.join(self._folder("models"), re.sub(r"\W", "_", model["name"]))
            os.makedirs(folder, exist_ok=True)
        else:
            raise StepFailed(
                f"Step {self.order['step']!r} logged a model {model['name']!r}, which could not be "
                "foreseen from its cells. Call log_model in a cell of the step."
            )
        name = f"model.{_EXTENSIONS.get(model['format'], 'pkl')}"
        digest = model["digest"].partition(":")[2]
        _take(self._blob(digest), os.path.join(folder, name))
        about = {key: value for key, value in model.items() if key != "input_example"}
        with open(os.path.join(folder, "model.json"), "wb") as file:
            file.write(dump_json({**model, "file": name}))
        if artifact is not None:
            artifact.metadata.update(
                {"name": model["name"], "framework": model["format"], "type": model["type"]}
            )
            artifact.metadata.update({key: about[key] for key in ("signature", "metrics")})

    def _write_notebook(self) -> None:
        try:
            with open(os.path.join(self.directory, "executed.ipynb"), "rb") as file:
                content = file.read()
        except OSError:
            return  # it died before it began
        _write(self._output("notebook").path, content)
        _write(self._output("page").path, page(json.loads(content)).encode("utf-8", "replace"))

    # - the blobs -

    def _blob(self, name: str) -> str:
        return os.path.join(self.blobs, name[:2], name[2:])

    def _reachable(self, digests: Iterable[str]) -> list[str]:
        """Follow manifests and graphs, whose first lines name what they rest on."""
        found: dict[str, None] = {}
        front = list(digests)
        while front:
            digest = front.pop()
            if digest in found:
                continue
            found[digest] = None
            with open(self._blob(digest.partition(":")[2]), "rb") as file:
                if file.read(1) == b"{":
                    front += {match.decode() for match in _DIGEST.findall(file.readline())}
        return list(found)


def parameter_value(value: Any, about: Mapping[str, Any]) -> Any:
    """Return a parameter as the notebook knows it.

    KFP has but one kind of number in lists and dicts, and none but typed values.
    """
    kind, default = about["type"], about["default"]
    if value is None:
        return default
    if kind in ("none", "any"):  # travels as text: JSON, or simply text
        try:
            return json.loads(value)
        except (TypeError, ValueError):
            return value
    if value == default:  # which says what kind of number it is
        return default
    if kind == "int":
        return int(value)
    if kind == "float":
        return float(value)
    if kind in ("list", "dict"):
        numbers = list(_numbers(default))
        are_floats = bool(numbers) and all(isinstance(number, float) for number in numbers)
        return _with_numbers(value, float if are_floats else int)
    return value


def _numbers(value: Any) -> Iterator[Any]:
    if isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _numbers(item)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield value


def _with_numbers(value: Any, kind: Any) -> Any:
    """Spell whole numbers as one kind."""
    if isinstance(value, dict):
        return {key: _with_numbers(item, kind) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_numbers(item, kind) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value == value // 1:
        return kind(value)
    return value


def page(notebook: Mapping[str, Any]) -> str:
    """Return an executed notebook as a page of HTML that needs nothing else."""
    about = notebook["metadata"].get("mlplat", {})
    title = html.escape(str(about.get("step", "")))
    parts = [_PAGE_HEAD.format(title=title)]
    for cell in notebook["cells"]:
        count = cell["execution_count"]
        label = " " if count is None else count
        source = html.escape(cell["source"])
        parts.append(f"<section><b>[{label}]</b><pre class=code>{source}</pre>")
        parts += [_shown(output) for output in cell["outputs"]]
        parts.append("</section>")
    return "\n".join([*parts, "</html>\n"])


_PAGE_HEAD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 14px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em }}
pre {{ font: 13px/1.4 ui-monospace, monospace; overflow-x: auto; margin: .5em 0 }}
.code {{ background: #f5f5f5; padding: .6em .8em; border-radius: 4px }}
.error {{ color: #b00020 }}
b {{ color: #666; font-weight: normal }}
table {{ border-collapse: collapse }} td, th {{ padding: .2em .6em; text-align: right }}
img {{ max-width: 100% }}
</style>
<h1>{title}</h1>"""
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def _shown(output: Mapping[str, Any]) -> str:
    if output["output_type"] == "stream":
        return f"<pre>{html.escape(_ANSI.sub('', output['text']))}</pre>"
    if output["output_type"] == "error":
        text = _ANSI.sub("", "\n".join(output["traceback"]))
        return f"<pre class=error>{html.escape(text)}</pre>"
    data = output["data"]
    if "text/html" in data:
        return f"<div>{data['text/html']}</div>"
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            return f'<img alt="" src="data:{kind};base64,{html.escape(data[kind])}">'
    if "image/svg+xml" in data:
        return f"<div>{data['image/svg+xml']}</div>"
    return f"<pre>{html.escape(str(data.get('text/plain', '')))}</pre>"


class _Tail:
    """Passes on what a log has grown by, whole characters only."""

    def __init__(self, path: str, stream: Any) -> None:
        self._path, self._stream = path, stream
        self._offset = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def pass_on(self, is_last: bool = False) -> None:
        data = b""
        with contextlib.suppress(FileNotFoundError), open(self._path, "rb") as file:
            file.seek(self._offset)
            data = file.read()
        self._offset += len(data)
        text = self._decoder.decode(data, is_last)
        if text:
            self._stream.write(text)
            self._stream.flush()


@contextlib.contextmanager
def _signals_to(process: int) -> Iterator[None]:
    """Let those who end this process end the cells, too."""

    def end(number: int, _: Any) -> None:
        _kill_group(process)
        sys.exit(128 + number)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for number in before:
            signal.signal(number, end)
    except ValueError:  # not the main thread: whoever runs us there looks after us
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_POLL_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end_group(process: subprocess.Popen[bytes]) -> None:
    _kill_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    _kill_group(process.pid)
    process.wait()


def _kill_group(group: int, number: int = signal.SIGKILL) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _read_json(path: str) -> Any:
    with open(path, "rb") as file:
        return json.load(file)


def _write(path: str, content: bytes) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def _take(source: str, target: str) -> None:
    """Link a file, or copy it where that cannot be."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.exists(target):
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _listing(folder: str) -> dict[str, tuple[int, int]]:
    """Return size and time of every file below a folder, by relative path."""
    found = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for path in (os.path.join(place, name) for name in names):
            if os.path.isfile(path):
                facts = os.stat(path)
                found[os.path.relpath(path, folder)] = (facts.st_size, facts.st_mtime_ns)
    return dict(sorted(found.items()))


def _folders(folder: str) -> list[str]:
    found = []
    for place, folders, _ in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        found += [os.path.relpath(os.path.join(place, name), folder) for name in folders]
    return sorted(found)


def _lay_over(folder: str, work: str, saved: Mapping[str, Any]) -> None:
    """Put what an earlier step left in its working directory into this one's."""
    for path in saved["folders"]:
        os.makedirs(os.path.join(work, path), exist_ok=True)
    for path in _listing(folder):
        target = os.path.join(work, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(os.path.join(folder, path), target)
    for path in saved["gone"]:
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(work, path))


__all__ = ["StepFailed", "page", "parameter_value", "run"]
