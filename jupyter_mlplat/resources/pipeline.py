"""A pipeline: steps made from cells, the edges between them and why each edge exists."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from jupyter_mlplat.resources.base import (
    Digest,
    Gpus,
    HostPath,
    JsonValue,
    Name,
    Request,
    Resource,
)
from jupyter_mlplat.resources.training import Mount, TrainSpec
from jupyter_mlplat.resources.tuning import TuneSpec
from jupyter_mlplat.resources.workflow import Component

Report = Literal["html", "pdf"]


class Proof(StrEnum):
    """How an edge is known."""

    PROVED = "proved"  # follows from the source alone
    OBSERVED = "observed"  # seen in a live kernel that ran exactly these cells
    ASSUMED = "assumed"  # cannot be excluded, so the safe order is kept


class Channel(StrEnum):
    """State that is no name and yet passes from cell to cell. Spelled with an @ among names.

    Shipped like values: the interpreter restores them before a step's cells run and saves them
    afterwards. `FILES`, `DISPLAY` and `UNKNOWN` only order steps; nothing is shipped for them.
    """

    RNG = "@rng"  # states of random, numpy.random and torch, where imported
    ENV = "@env"  # os.environ, as a difference to the environment a run starts with
    CWD = "@cwd"  # the working directory, sys.path
    FIGURE = "@figure"  # pyplot's current figure
    MODULES = "@modules"  # settings kept in imported modules (options, rcParams, filters)
    FILES = "@files"
    DISPLAY = "@display"  # Out, In, _, __
    UNKNOWN = "@unknown"  # code that may touch anything (exec of a computed string …)


class Resources(Resource):
    """What a step asks of the machine; admission waits until it is free."""

    cpu: float = Field(default=1.0, gt=0, le=1024, description="Cores.")
    memory_bytes: int | None = Field(default=None, gt=0, description="Limit; None: no limit.")
    gpu: Gpus = Field(default=0, description="Whole devices, or a share of one below 1.")


class Retry(Resource):
    """How often a failed attempt is tried again, and how long is waited in between."""

    limit: int = Field(default=0, ge=0, le=100, description="Further attempts after the first.")
    backoff_s: float = Field(
        default=1.0, ge=0, description="Wait before the first further attempt."
    )
    factor: float = Field(default=2.0, ge=1)
    max_backoff_s: float = Field(default=300.0, ge=0)


class StepSettings(Resource):
    """What a user may set for a step: in cell metadata, with `%%mlplat step`, in the panel."""

    resources: Resources = Resources()
    retry: Retry = Retry()
    cache: bool = True
    timeout_s: float | None = Field(default=None, gt=0)
    kernel: str | None = Field(default=None, description="Name of another Jupyter kernel.")
    python: str | None = Field(default=None, description="Path of another Python interpreter.")
    env: dict[str, str] = {}


class StepCell(Resource):
    """One code cell of a step, with its source as the notebook has it (IPython syntax)."""

    id: str = Field(description="nbformat cell id; `cell-<index>` where the notebook has none.")
    index: int = Field(description="Position among all cells of the notebook, from 0.")
    source: str


class Input(Resource):
    """A value a step needs before its cells run."""

    name: str = Field(description="Name in the namespace, or a Channel.")
    step: Name = Field(description="The step whose saved namespace holds the version meant.")
    optional: bool = Field(
        default=False, description="The name may be unbound there: then it stays unbound here."
    )


class Program(Resource):
    """What a step runs instead of cells: a Python function, or a command."""

    function: Digest | None = Field(default=None, description="By cloudpickle, in the store.")
    command: tuple[str, ...] = ()
    arguments: dict[str, JsonValue] = Field(default={}, description="Of the function, by name.")
    mounts: tuple[Mount, ...] = ()


class Carried(Resource):
    """A bundle of values that a live kernel gave along; no step made them."""

    bundle: Digest
    names: tuple[str, ...]


class Step(Resource):
    """A node of the pipeline: cells that run together, in order, in one process."""

    name: Name
    title: str = Field(description="For people: the heading it came from, or the name.")
    cells: tuple[StepCell, ...]
    prelude: tuple[str, ...] = Field(
        default=(),
        description="Statements of other cells replayed first, silently: imports, in order.",
    )
    parameters: tuple[str, ...] = Field(default=(), description="Run parameters it reads.")
    inputs: tuple[Input, ...] = ()
    outputs: tuple[str, ...] = Field(
        default=(),
        description="Names (or Channels) saved after its last cell, those bound by then. "
        "All of them go into the store with object identity kept between them.",
    )
    kept: tuple[str, ...] = Field(
        default=(),
        description="Those of `outputs` that no later step loads: final values, kept if possible. "
        "One that cannot be saved fails no step.",
    )
    binds: tuple[str, ...] = Field(
        default=(), description="Names its cells leave bound, saved or not."
    )
    deletes: tuple[str, ...] = Field(default=(), description="Names its cells leave unbound.")
    modules: tuple[str, ...] = Field(
        default=(), description="Local modules it imports, as paths relative to the notebook."
    )
    after: tuple[Name, ...] = Field(default=(), description="Steps that must end first, all told.")
    settings: StepSettings = StepSettings()
    origin: Literal["metadata", "magic", "kale", "heading", "cell"] = "cell"
    metrics: tuple[str, ...] = Field(
        default=(), description="Names whose final numbers are metrics of the run."
    )
    effects: tuple[str, ...] = Field(
        default=(),
        description="Channels it touches that nothing ships: @files, @unknown. Such a step is "
        "taken from the cache only where its settings say so.",
    )
    volatile: tuple[str, ...] = Field(
        default=(),
        description="Why it comes out otherwise every time: 'reads the clock (cell 3)'. "
        "Such a step is taken from the cache only where its settings say so, too.",
    )
    component: Component | None = Field(
        default=None, description="What runs instead of cells: a task of a KFP pipeline."
    )
    program: Program | None = None
    carried: Carried | None = None
    train: TrainSpec | None = Field(default=None, description="It runs as many processes.")
    tune: TuneSpec | None = Field(default=None, description="It runs again and again, as trials.")
    notes: tuple[str, ...] = Field(
        default=(), description="What was asked for and is not honoured here, for people."
    )

    @property
    def is_job(self) -> bool:
        """Tell whether it is a train or a tuning job."""
        return self.train is not None or self.tune is not None


class EdgeReason(Resource):
    """Why a step needs another one, for one name."""

    name: str = Field(description="The name, or a Channel.")
    source_cell: str = Field(description="Id of the cell that made this version.")
    target_cell: str = Field(description="Id of the cell that reads it.")
    proof: Proof
    why: str = Field(description="One sentence for people.")


class Edge(Resource):
    """A dependency between two steps."""

    source: Name = Field(alias="from")
    target: Name = Field(alias="to")
    names: tuple[str, ...] = Field(description="Values passed along; empty for a pure order edge.")
    reasons: tuple[EdgeReason, ...]


class Severity(StrEnum):
    ERROR = "error"  # the pipeline cannot be run as it stands
    WARNING = "warning"
    INFO = "info"


class Problem(Resource):
    """Something the compiler has to say about one place of the notebook."""

    code: str = Field(description="Stable kebab-case word: syntax-error, cycle, undefined-name …")
    severity: Severity
    message: str = Field(description="What could not be done, what was found, what to do.")
    cell: str | None = None
    line: int | None = Field(default=None, description="Line within the cell, from 1.")
    step: str | None = None
    name: str | None = None


class Unknown(Resource):
    """What cannot be known from the source, and the safe order that was chosen instead."""

    cell: str
    line: int | None = None
    what: str = Field(description="The code in question, in a few words.")
    consequence: str = Field(description="What is assumed because of it.")


class Parameter(Resource):
    """A run parameter: an assignment of the cell tagged `parameters`."""

    name: str
    type: Literal["int", "float", "str", "bool", "list", "dict", "none", "any"]
    default: JsonValue = None
    expression: str = Field(description="The default as written.")
    help: str = Field(default="", description="The trailing comment of its line.")
    is_required: bool = Field(default=False, description="A run must be given a value for it.")
    choices: tuple[JsonValue, ...] = Field(
        default=(), description="The values it may have; empty where any of its type will do."
    )


class Pipeline(Resource):
    """A notebook as a DAG of steps. Immutable: its digest names it."""

    name: Name
    digest: Digest = Field(description="Of everything that decides what a run does.")
    notebook: HostPath | None = Field(default=None, description="Absolute path it was read from.")
    language: str = "python"
    kernel: str = Field(default="python3", description="The notebook's kernelspec name.")
    steps: tuple[Step, ...]
    edges: tuple[Edge, ...]
    parameters: tuple[Parameter, ...] = ()
    parameters_cell: StepCell | None = None
    problems: tuple[Problem, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    preload: tuple[str, ...] = Field(
        default=(), description="Installed modules its steps import, for warm workers."
    )
    notebook_metadata: dict[str, JsonValue] = Field(
        default={}, description="kernelspec and language_info, copied into executed notebooks."
    )
    ir: dict[str, JsonValue] | None = Field(
        default=None,
        description="The KFP pipeline it was read from: `pipeline_spec` and, where there is one, "
        "`platform_spec`. Its tasks unfold while it runs; `steps` are those its root names.",
    )

    whole: dict[str, JsonValue] | None = Field(
        default=None,
        description="The notebook's content, without outputs, where it is run from top to bottom "
        "by papermill: the one step is all of it.",
    )
    reports: tuple[Report, ...] = Field(
        default=(), description="What is made of a notebook that was run whole."
    )
    folder: str | None = Field(
        default=None, description="Where its steps run; by default where the notebook lies."
    )

    @property
    def is_runnable(self) -> bool:
        """Tell whether no problem stands in the way of a run."""
        return not any(problem.severity is Severity.ERROR for problem in self.problems)

    def step(self, name: str) -> Step:
        """Return the step of this name.

        Raises:
            KeyError: The pipeline has none.
        """
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)


class CompileRequest(Request):
    """Ask for the pipeline of a notebook: one on disk, or one as it stands in an editor."""

    path: HostPath | None = Field(
        default=None, description="Absolute path of an .ipynb or .py file."
    )
    notebook: dict[str, JsonValue] | None = Field(
        default=None, description="nbformat 4 content that stands in for the file at `path`."
    )
    split: Literal["auto", "cell"] = Field(
        default="auto", description="How untagged cells become steps; `cell`: one step per cell."
    )


class VerifyRequest(CompileRequest):
    """Ask for a notebook to be run both ways, and compared."""

    timeout_s: float | None = Field(
        default=None,
        gt=0,
        description="Give up after so long, all runs together; None: the engine's setting.",
    )


class Finding(Resource):
    """What a run has shown of a cell that its source does not: so wherever that source stands."""

    source: Digest = Field(description="Of the cell's source.")
    changes: tuple[str, ...] = Field(
        default=(), description="Names whose values it changed in place; @rng among them."
    )
    reads: tuple[str, ...] = Field(default=(), description="Names it read.")
    ties: tuple[str, ...] = Field(
        default=(), description="Names whose values only go together with it, in one process."
    )


class Difference(Resource):
    """Something that came out otherwise as steps than from top to bottom."""

    step: str
    cell: str | None = None
    what: str = Field(description="One sentence: which output or name, and both values, shortened.")


class VerifyReport(Resource):
    """What `verify` found: the notebook run both ways, compared."""

    equal: bool
    differences: tuple[Difference, ...]
    steps: tuple[Name, ...] = ()
    duration_s: float = 0.0
    refused: tuple[Problem, ...] = Field(
        default=(), description="Why it could not be run as steps, where it was refused."
    )
    learned: tuple[Finding, ...] = Field(
        default=(), description="What only running showed; the steps were planned anew with it."
    )
    ignored: tuple[Difference, ...] = Field(
        default=(),
        description="What differs between two runs from top to bottom as well: time, chance.",
    )
    unfinished: tuple[Difference, ...] = Field(
        default=(),
        description="Cells that were still running when the time was up. Then nothing is compared.",
    )
