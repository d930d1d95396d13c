"""`%%mlplat step …`: the mark of a step. The cell below it runs as if the mark were not there.

The compiler reads the mark in the notebook. In a kernel its options are only checked, and its line
becomes a comment, so that line numbers, `await`, errors and the last value are the cell's own.
"""

import contextlib
import re
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from IPython.core.error import UsageError

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.kit.quantities import parse_bytes, parse_cpu
from jupyter_mlplat.magics.arguments import HelpShown, Parser, split

_FIRST_LINE = re.compile(r"%%mlplat\s+(?P<rest>(?:step|skip)\b.*)")


def transform(lines: list[str]) -> list[str]:
    """Turn a marked cell's first line into a comment; leave every other cell alone.

    Raises:
        UsageError: The mark cannot be understood. IPython shows it as one line.
    """
    match = _FIRST_LINE.match(lines[0]) if lines else None
    if match is None:
        return lines
    try:
        check(split(match["rest"]))
    except InvalidInput as error:
        raise UsageError(error.message) from None
    return [f"# {lines[0]}", *lines[1:]]


# IPython asks transformers without effects also whether a cell is complete; this one complains.
transform.has_side_effects = True  # type: ignore[attr-defined]


def check(words: list[str]) -> None:
    """See that a mark's options are understood.

    Raises:
        InvalidInput: One is unknown, or its value is none.
    """
    with contextlib.suppress(HelpShown):
        parser = build_parser(words[0])
        options = parser.parse_intermixed_args(words[1:])
        if words[0] == "step":
            _refuse_wrong_job(options)


def build_parser(word: str) -> Parser:
    """Build the parser of a mark: the options of a step, as the compiler reads them."""
    parser = Parser(prog=f"%%mlplat {word}", description=_ABOUT[word])
    if word == "skip":
        return parser
    if word == "step":
        parser.add_argument("words", nargs="*", metavar="NAME", help="the step the cell belongs to")
    elif word == "tune":
        parser.add_argument(
            "space", nargs="*", metavar="X=KIND(…)", help="dimensions: lr=loguniform(1e-5,1e-1)"
        )
    parser.add_argument("--name", metavar="NAME", help="the same, by name; of the job")
    if word in ("train", "tune"):
        _add_kernel_options(parser)
    if word != "tune":
        parser.set_defaults(inline=False)
    _add_train_options(parser)
    if word != "train":
        _add_tune_options(parser)
    parser.add_argument("--title", metavar="TEXT", help="how people see it")
    parser.add_argument("--cpu", type=_as(parse_cpu), metavar="N", help="cores: 2, 0.5, 500m")
    parser.add_argument("--memory", type=_as(parse_bytes), metavar="N", help="limit: 512Mi, 2Gi")
    parser.add_argument("--gpu", type=float, metavar="N", help="devices: 2; a share of one: 0.5")
    parser.add_argument("--cache", action="store_true", help="take it from the cache if possible")
    parser.add_argument("--no-cache", action="store_true", help="run it anew every time")
    parser.add_argument("--retries", type=int, metavar="N", help="further attempts if it fails")
    parser.add_argument("--backoff-s", type=float, metavar="S", help="wait before the first one")
    parser.add_argument("--timeout", type=float, metavar="S", help="end it after this long")
    parser.add_argument("--kernel", metavar="NAME", help="another Jupyter kernel")
    parser.add_argument("--python", metavar="PATH", help="another Python interpreter")
    parser.add_argument("--env", action="append", metavar="KEY=VALUE", help="for its environment")
    parser.add_argument("--metrics", action="append", metavar="NAMES", help="names of metrics")
    parser.add_argument("--after", action="append", metavar="STEPS", help="steps that come first")
    parser.add_argument("--in", action="append", metavar="NAMES", help="names it reads")
    parser.add_argument("--out", action="append", metavar="NAMES", help="names it writes")
    return parser


def _add_kernel_options(parser: Parser) -> None:
    """Add what concerns the kernel that submits the job, and no pipeline."""
    parser.add_argument("--on", metavar="PLACE", help="where: this-machine, or a cluster")
    parser.add_argument("--no-wait", action="store_true", help="do not wait for its end")
    parser.add_argument("--no-values", action="store_true", help="bind nothing here at its end")
    parser.add_argument("--as", dest="bind", metavar="NAME", help="bind the job's object here")
    parser.add_argument("--experiment", metavar="NAME", help="group of runs")
    parser.add_argument("--tag", action="append", metavar="KEY=VALUE", help="a word to find it by")
    parser.add_argument("--note", metavar="TEXT", help="what is to be said about it")


def _add_train_options(parser: Parser) -> None:
    parser.add_argument("--nodes", metavar="N", help="nodes: groups of processes (1)")
    parser.add_argument("--nproc", metavar="N", help="processes of each node (1, or its GPUs)")
    parser.add_argument("--runtime", metavar="NAME", help="torch-distributed, plain, …")
    parser.add_argument("--dataset", metavar="URI", help="fetched before it begins")
    parser.add_argument("--model", metavar="URI", help="likewise, a model to begin with")


def _add_tune_options(parser: Parser) -> None:
    parser.add_argument("--trials", metavar="N", help="at most so many")
    parser.add_argument("--parallel", metavar="N", help="so many at once (1)")
    parser.add_argument("--maximize", metavar="METRIC", help="as high as possible")
    parser.add_argument("--minimize", metavar="METRIC", help="as low as possible")
    parser.add_argument("--goal", metavar="X", help="over once the metric has reached it")
    parser.add_argument("--also", action="append", metavar="METRIC", help="keep this one, too")
    parser.add_argument("--algorithm", metavar="NAME", help="tpe, random, grid, cmaes, …")
    parser.add_argument("--setting", action="append", metavar="K=V", help="of the algorithm")
    parser.add_argument("--early-stopping", metavar="NAME", help="medianstop, asha")
    parser.add_argument("--stop-setting", action="append", metavar="K=V", help="of early stopping")
    parser.add_argument("--failures", metavar="N", help="more failed trials: it has failed")
    parser.add_argument("--seed", metavar="N", help="of the algorithm")
    parser.add_argument(
        "--warm-start", action="append", metavar="JOB", help="learn from its trials"
    )
    parser.add_argument("--inline", action="store_true", help="all trials in one process")


def _refuse_wrong_job(options: Namespace) -> None:
    """Refuse what the compiler would: of a step, the words are its name and a search space."""
    # Here, not above: loading the extension must not take long, and the documents do.
    from jupyter_mlplat.resources.spelling import (
        TRAIN_WORDS,
        TUNE_WORDS,
        split_words,
        train_spec,
        tune_spec,
    )

    names, space = split_words(options.words)
    tune = {TUNE_WORDS[word]: value for word, value in _job_options(options, TUNE_WORDS)}
    if space or tune:
        tune_spec({**tune, "space": space})
    train_spec(dict(_job_options(options, TRAIN_WORDS)))
    if len(names) > 1:
        raise InvalidInput(f"Unrecognized arguments: {' '.join(names[1:])}. See: %%mlplat step -h")


def _job_options(options: Namespace, words: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for word in words:
        value = getattr(options, word.replace("-", "_"), None)
        if value is not None:
            yield word, value


_ABOUT = {
    "train": "Run the cell as a distributed job, with the names it needs.",
    "tune": "Run the cell once per trial, with other parameters each time.",
    "step": "Say which step of the pipeline a cell belongs to, and what the step needs.",
    "skip": "Leave a cell out of the pipeline.",
}


def _as(parse: Callable[[str], float]) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            return parse(text)
        except ValueError as error:
            raise InvalidInput(str(error)) from error

    return read
