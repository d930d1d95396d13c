"""compile, verify, run."""

from typing import Any

from jupyter_mlplat.cli.arguments.parser import Parser, add_command, add_no_wait, add_place, seconds
from jupyter_mlplat.cli.commands import pipelines


def add_to(group: Any) -> None:
    """Add these commands."""
    parser = add_command(
        group,
        "compile",
        pipelines.compile_notebook,
        "show a notebook as a pipeline: steps, edges and why each edge exists",
        "compile analysis.ipynb -o pipeline.yaml",
    )
    _add_notebook(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write it as KFP YAML, or as our own document where FILE ends in .json; - prints it",
    )
    parser.add_argument(
        "--image", metavar="IMAGE", help="container image of the KFP steps; Python's own by default"
    )
    parser.add_list(
        "--package",
        dest="packages",
        metavar="REQUIREMENT",
        about="install this in the KFP steps, too, or instead of the version installed here",
    )
    parser = add_command(
        group,
        "verify",
        pipelines.verify,
        "run a notebook top to bottom and as steps, and list every difference",
        "verify analysis.ipynb --cell-steps --timeout 300",
    )
    _add_notebook(parser, or_kfp=False)
    parser.add_argument(
        "--timeout", type=seconds, metavar="S", help="give up after S seconds; by default an hour"
    )
    parser = add_command(
        group,
        "run",
        pipelines.run,
        "run a notebook as a pipeline and wait for it",
        'run analysis.ipynb -p trees=200 -p \'columns=["a", "b"]\'',
    )
    _add_notebook(parser)
    parser.add_list(
        "-p",
        "--parameter",
        dest="parameters",
        metavar="NAME=VALUE",
        about="value of a parameter, read as its type; JSON for lists, dicts and numbers",
    )
    add_place(parser)
    add_no_wait(parser)
    parser.add_flag("--no-cache", "run every step anew")
    parser.add_flag("--whole", "run it top to bottom, by papermill, not as steps")
    parser.add_flag("--pdf", "with --whole: keep a PDF as well")
    parser.add_flag(
        "--literal", "run the commands of a KFP pipeline as they stand: shell, pip and all"
    )
    parser.add_argument("--until", metavar="STEP", help="run only this step and what it needs")
    parser.add_argument("--experiment", metavar="NAME", default="default", help="group of runs")
    parser.add_list("--tag", dest="tags", metavar="KEY=VALUE", about="words to keep")


def _add_notebook(parser: Parser, *, or_kfp: bool = True) -> None:
    what = "an .ipynb or a percent script (.py)"
    if or_kfp:
        what = "an .ipynb, a percent script (.py) or a compiled KFP pipeline (.yaml)"
    parser.add_argument("notebook", metavar="NOTEBOOK", help=what)
    parser.add_argument(
        "--cell-steps",
        dest="split",
        action="store_const",
        const="cell",
        default="auto",
        help="make every untagged cell a step of its own",
    )
