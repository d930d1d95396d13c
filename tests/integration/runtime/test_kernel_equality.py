# ruff: noqa: E501  cells are quoted as they are
"""What cells show in a step is what they show in a real kernel."""

import asyncio
import json
import os
import re
from typing import Any

import nbclient
import nbformat
import pytest

from jupyter_mlplat.services.verify.comparing import normalise
from tests.integration.runtime.conftest import Bench

CELLS = {
    "last expression": "1 + 1",
    "history": "a = 5\na",
    "underscore": "_ + 1",
    "numbered outputs": "sorted(Out), len(In) > 3, _3",
    "semicolon": "7;",
    "print": "print('x', end='')\nprint('y')",
    "stderr": "import sys\nprint('e', file=sys.stderr)",
    "display": "display({'a': 1}, 'two')\n3",
    "rich": "from IPython.display import HTML, Markdown, JSON, Image, SVG\ndisplay(HTML('<b>x</b>'), Markdown('*y*'), JSON({'k': [1]}))\nSVG('<svg xmlns=\"http://www.w3.org/2000/svg\"/>')",
    "custom repr": "class R:\n    def _repr_html_(self): return '<i>r</i>'\n    def _repr_mimebundle_(self, include=None, exclude=None): return {'application/x+json': {'a': 1}}\n    def __repr__(self): return 'R'\nR()",
    "bytes repr": "class P:\n    def _repr_png_(self): return b'\\x89PNG'\nP()",
    "update display": "h = display('old', display_id='i1')\nh.update('new')",
    "clear output": "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('here')",
    "clear output on next": "print('gone')\nclear_output(wait=True)\nprint('kept')",
    "frame": "import pandas as pd\npd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})",
    "series": "pd.Series([1.5, None], name='s')",
    "array": "import numpy as np\nnp.arange(6).reshape(2, 3)",
    "plot": "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.title('t');",
    "plot again": "fig, ax = plt.subplots(figsize=(2, 1))\nax.bar([1], [2])\nplt.show()\nprint('after', plt.get_fignums())",
    "figure as value": "fig",
    "inline magic": "%matplotlib inline\nplt.figure(figsize=(1, 1)); plt.plot([1]);",
    "top-level await": "import asyncio\nawait asyncio.sleep(0.001)\n'awaited'",
    "running loop": "asyncio.get_running_loop().is_running()",
    "task in the background": "async def later(): flags.append(1)\nflags = []\nt = asyncio.create_task(later())",
    "task has run": "flags",
    "line magic": "%time 1 + 1",
    "who": "%who_ls str",
    "capture": "%%capture out\nprint('inside')",
    "captured": "out.stdout",
    "bash": "%%bash\necho one\necho two >&2",
    "shell": "!echo hello",
    "shell assignment": "got = !printf 'a\\nb'\ngot",
    "os.system": "import os\nos.system('echo direct')",
    "subprocess": "import subprocess\nsubprocess.run(['echo', 'sub']).returncode",
    "warning": "import warnings\nwarnings.warn('careful')",
    "main": "__name__, '__file__' in globals(), __import__('sys').modules['__main__'].__dict__ is globals()",
    "shell's type": "type(get_ipython()).__name__, 'IPKernelApp' in get_ipython().config",
    "path": "import sys\nsys.path[0], len(sys.argv) > 0",
    "widget": "import ipywidgets\nipywidgets.IntSlider(3).value",
    "tqdm-like": "for i in range(3): print(f'\\r{i}', end='', flush=True)",
    "help": "len?",
    "interleaved": "print('o1'); print('e1', file=sys.stderr)",
    "logging": "import logging\nlogging.warning('logged')",
    "environment": "os.environ['TERM'], os.environ['MPLBACKEND'][:6]",
    "getsource": "import inspect\ndef f(): return 1\ninspect.getsource(f)",
    "dunder": "__builtins__.__class__.__name__",
    "writefile": "%%writefile made.txt\ncontent",
    "run file": "%cat made.txt",
    "set trace of names": "sorted(n for n in dir() if not n.startswith('_'))[:3]",
    "random hash": "isinstance(hash('a'), int)",
    "pwd": "import pathlib\npathlib.Path('made.txt').exists()",
    "deep repr": "list(range(1005))",
    "unicode": "'h\u00e9 \U0001f600'",
    "closing stdout": "sys.stdout.isatty(), hasattr(sys.stdout, 'buffer'), sys.stdout.encoding",
    "error inside display": "class Bad:\n    def __repr__(self): raise KeyError('repr')\nprint('before')",
}
FAILURES = {
    "zero": "x = 0\n1 / x",
    "syntax": "def f(:\n  pass",
    "indent": "if True:\nprint(1)",
    "name": "undefined_thing",
    "usage": "%nosuchmagic",
    "exit": "import sys\nsys.exit(3)",
    "input": "input('?')",
    "chained": "try:\n    {}['k']\nexcept KeyError as e:\n    raise ValueError('v') from e",
    "failing repr": "class Bad:\n    def __repr__(self): raise KeyError('repr')\nBad()",
    "assert": "assert 1 == 2, 'no'",
    "called process": "%%bash\nexit 3",
}


async def in_a_kernel(cells: list[str], folder: str, allow_errors: bool) -> list[list[Any]]:
    os.environ.pop("PYTEST_CURRENT_TEST", None)  # with it a kernel does not watch descriptors 1, 2
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = nbclient.NotebookClient(
        notebook,
        kernel_name="python3",
        allow_errors=allow_errors,
        resources={"metadata": {"path": folder}},
    )
    await client.async_execute()
    return [json.loads(json.dumps(cell.outputs)) for cell in notebook.cells]


def comparable(outputs: list[dict[str, Any]]) -> Any:
    """Streams joined by name, since a kernel orders stdout and stderr by chance; colours and counts left out."""
    items = normalise(outputs)
    streams: dict[str, str] = {}
    rest = []
    for item in items:
        if item[0] == "stream":
            text = re.sub(r"[^\n]*\r(?!\n)", "", item[2])
            streams[item[1]] = streams.get(item[1], "") + text
        else:
            rest.append(item)
    return streams, rest


@pytest.mark.slow
async def test_cells_show_what_they_show_in_a_kernel(bench: Bench) -> None:
    real_folder = bench.folder / "real"
    step_folder = bench.folder / "step"
    real_folder.mkdir()
    step_folder.mkdir()
    cells = list(CELLS.values())

    ended, expected = await asyncio.gather(
        bench.run(*cells, cwd=str(step_folder)),
        in_a_kernel(cells, str(real_folder), allow_errors=False),
    )

    assert ended.result is not None
    assert ended.result["error"] is None
    found = bench.outputs(ended)
    differing = {
        name: {"step": comparable(shown), "kernel": comparable(wanted)}
        for name, shown, wanted in zip(CELLS, found, expected, strict=True)
        if comparable(shown) != comparable(wanted)
    }
    assert differing == {}


@pytest.mark.slow
async def test_cells_fail_as_they_fail_in_a_kernel(bench: Bench) -> None:
    names = [name for name in FAILURES if name != "failing repr"]
    expected = await in_a_kernel([FAILURES[name] for name in names], str(bench.folder), True)

    for name, wanted in zip(names, expected, strict=True):
        ended = await bench.run(FAILURES[name])
        shown = bench.outputs(ended)[0]
        assert (name, comparable(shown)) == (name, comparable(wanted))
        assert ended.result is not None
        assert ended.result["state"] == "failed", name
