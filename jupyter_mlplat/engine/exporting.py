"""Writing a notebook's pipeline as KFP YAML: what its steps take along is gathered here."""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import jupyter_mlplat.runtime
from jupyter_mlplat.engine.environments import Environment, Environments
from jupyter_mlplat.engine.interpreters import Interpreter, Interpreters
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kfp import writing
from jupyter_mlplat.launchers.local.slice import PACKAGE
from jupyter_mlplat.resources.exporting import ExportedPipeline, ExportRequest
from jupyter_mlplat.resources.pipeline import Pipeline, Problem, Severity, Step
from jupyter_mlplat.services.pipelines.orders import order_of
from jupyter_mlplat.services.pipelines.reliance import reliances

_NEVER = frozenset({"jupyter_mlplat", "IPython", "cloudpickle"})
"""What cells may import and steps have anyway."""
_NOT_IN_A_STEP = frozenset({"kernel", "pages", "rehearsal", "zygote"})
"""Modules of our runtime that only the engine's own ways of running a step need."""
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


class Exporter:
    """Writes pipelines. Safe from any thread."""

    def __init__(self, environments: Environments, interpreters: Interpreters) -> None:
        self._environments = environments
        self._interpreters = interpreters

    def export(self, request: ExportRequest) -> ExportedPipeline:
        """Write a pipeline as KFP v2 IR.

        Raises:
            InvalidInput: It cannot be run as it stands, or not outside of this machine.
        """
        pipeline = request.pipeline
        if pipeline.ir is not None:
            raise InvalidInput(
                f"Pipeline {pipeline.name!r} is a KFP pipeline already: copy its file."
            )
        errors = [p.message for p in pipeline.problems if p.severity is Severity.ERROR]
        if errors:
            raise InvalidInput(f"Cannot write pipeline {pipeline.name!r} as KFP YAML: {errors[0]}")
        problems: list[Problem] = []
        relied = reliances(pipeline)
        luggage = {}
        for step in pipeline.steps:
            environment = self._environment(step, pipeline, problems)
            luggage[step.name] = writing.Luggage(
                order=order_of(step, pipeline, relied[step.name]),
                python=environment.version.rpartition(".")[0],
                requirements=self._requirements(pipeline, environment, request, problems),
                image=request.image,
            )
        problems += _about_files(pipeline)
        problems += _about_jobs(pipeline)
        written = writing.write(pipeline, luggage, _runtime_sources(), _modules_of(pipeline))
        problems += written.problems
        for problem in problems:
            if problem.severity is Severity.ERROR:
                raise InvalidInput(problem.message, step=problem.step)
        return ExportedPipeline(
            name=pipeline.name,
            text=written.text,
            requirements=tuple(
                dict.fromkeys(line for item in luggage.values() for line in item.requirements)
            ),
            problems=tuple(dict.fromkeys(problems)),
        )

    def _environment(self, step: Step, pipeline: Pipeline, problems: list[Problem]) -> Environment:
        interpreter = self._interpreters.of_step(step, pipeline)
        if interpreter.kernel is not None:
            interpreter = self._python_of_kernel(step, interpreter, problems)
        return self._environments.get(interpreter.python)

    def _python_of_kernel(
        self, step: Step, interpreter: Interpreter, problems: list[Problem]
    ) -> Interpreter:
        python = self._interpreters.python_of(interpreter.kernel or "")
        if python is None:
            raise InvalidInput(
                f"Cannot write step {step.name!r} as KFP YAML: it runs in the kernel "
                f"{interpreter.kernel!r}, which is not Python's, and a KFP component here is a "
                "Python one. Give its cells a step with a Python kernel, or run that language from "
                "Python (%%bash, %%script).",
                step=step.name,
            )
        problems.append(
            Problem(
                code="kernel-becomes-python",
                severity=Severity.WARNING,
                message=f"Step {step.name!r} runs in the kernel {interpreter.kernel!r} here; on "
                "KFP it runs in a plain Python with that kernel's packages.",
                step=step.name,
            )
        )
        return Interpreter(python)

    def _requirements(
        self,
        pipeline: Pipeline,
        environment: Environment,
        request: ExportRequest,
        problems: list[Problem],
    ) -> tuple[str, ...]:
        """Name what pip installs: what the cells import, as the notebook's environment has it."""
        tops = {module.partition(".")[0] for module in pipeline.preload}
        tops -= sys.stdlib_module_names | _NEVER
        text = "\n".join(cell.source for step in pipeline.steps for cell in step.cells)
        if "sklearn" in tops and "log_model" in text and "skops" in environment.distributions:
            tops.add("skops")  # what scikit-learn models are saved with where it is there
        distributions, unknown = environment.distributions_of(tops)
        own = self._environments.get(sys.executable)
        wanted = {
            "ipython": environment.distributions.get("ipython", own.distributions["ipython"]),
            "cloudpickle": own.distributions["cloudpickle"],
            **{name: environment.distributions[name] for name in distributions},
        }
        found = {
            _normal(name): f"{name.replace('_', '-')}=={version.partition('+')[0]}"
            for name, version in wanted.items()
        }
        for requirement in request.packages:
            match = _NAME.match(requirement)
            if match is not None:
                found[_normal(match[0])] = requirement
        problems += _unknown_packages(unknown, found)
        problems += _local_packages(environment, distributions, request.packages)
        return tuple(found[name] for name in sorted(found))


def _unknown_packages(unknown: Iterable[str], found: Mapping[str, str]) -> list[Problem]:
    return [
        Problem(
            code="unknown-package",
            severity=Severity.WARNING,
            message=f"Cells import {module!r}, and no package that is installed here has it: the "
            "KFP steps do not install it. Name its package: "
            "jupyter mlplat compile … --package NAME.",
            name=module,
        )
        for module in unknown
        if _normal(module) not in found
    ]


def _local_packages(
    environment: Environment, names: Iterable[str], given: Iterable[str]
) -> list[Problem]:
    """Warn of packages that were installed from a folder: no index has them."""
    replaced = {_normal(match[0]) for text in given if (match := _NAME.match(text))}
    found = []
    for name in names:
        try:
            text = (environment.folders[name] / "direct_url.json").read_text("utf-8")
            url = str(json.loads(text).get("url", ""))
        except (OSError, ValueError, AttributeError):
            continue
        if url.startswith("file:") and _normal(name) not in replaced:
            found.append(
                Problem(
                    code="local-package",
                    severity=Severity.WARNING,
                    message=f"Package {name!r} was installed from a folder of this machine, and "
                    "pip on KFP looks for it on the package index. Publish it, or name where it "
                    f"is to be had with --package '{name} @ https://…'.",
                    name=name,
                )
            )
    return found


def _about_jobs(pipeline: Pipeline) -> list[Problem]:
    """Refuse steps that are jobs: a task of KFP is one process."""
    return [
        Problem(
            code="job-stays",
            severity=Severity.ERROR,
            message=f"Step {step.name!r} is a {'tuning' if step.tune else 'train'} job, which KFP "
            "has no task for. Run the pipeline here, or take the mark off the step.",
            step=step.name,
        )
        for step in pipeline.steps
        if step.is_job
    ]


def _about_files(pipeline: Pipeline) -> list[Problem]:
    """Warn of files beside the notebook that its cells name: only modules travel."""
    folder = Path(pipeline.notebook).parent if pipeline.notebook else None
    found = []
    for step in pipeline.steps if folder is not None else ():
        text = "\n".join(cell.source for cell in step.cells)
        for name in dict.fromkeys(re.findall(r"['\"]([\w][\w ./-]*\.\w+)['\"]", text)):
            path = (folder or Path()) / name
            if name not in step.modules and path.is_file():
                found.append(
                    Problem(
                        code="file-stays",
                        severity=Severity.WARNING,
                        message=f"Step {step.name!r} names the file {name!r}, which lies beside "
                        "the notebook and does not travel with the KFP YAML. Let it be read from "
                        "a URL or a store that KFP's steps reach.",
                        step=step.name,
                        name=name,
                    )
                )
    return found


def _modules_of(pipeline: Pipeline) -> dict[str, bytes]:
    """Read the local modules that steps import; those that are gone fail where they are needed."""
    found: dict[str, bytes] = {}
    if pipeline.notebook is None:
        return found
    folder = Path(pipeline.notebook).parent
    for path in sorted({module for step in pipeline.steps for module in step.modules}):
        if ".." in Path(path).parts or Path(path).is_absolute():
            continue
        try:
            found[path] = (folder / path).read_bytes()
        except OSError as error:
            raise InvalidInput(
                f"Cannot write pipeline {pipeline.name!r} as KFP YAML: the module {path!r} beside "
                f"the notebook cannot be read ({error.strerror}). Put it back."
            ) from error
    return found


def _runtime_sources() -> dict[str, bytes]:
    folder = Path(next(iter(jupyter_mlplat.runtime.__path__)))
    sources = {
        f"{PACKAGE}/{path.name}": path.read_bytes()
        for path in folder.glob("*.py")
        if path.stem not in _NOT_IN_A_STEP
    }
    shim = folder / "shim" / "__init__.py"
    return {**sources, "shim/jupyter_mlplat/__init__.py": shim.read_bytes()}


def _normal(name: str) -> str:
    """Return a package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
