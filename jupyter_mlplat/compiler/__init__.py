"""Notebook to pipeline: cells, names, versions, edges. Pure: no kernel, no files, no user code.

`normalise` turns a cell into Python, `machine` follows what the cells do to an abstract heap,
`steps` groups cells, `plan` decides what each step loads and keeps, `reasons` says why. What
library calls do is data, in `knowledge`.
"""

from jupyter_mlplat.compiler.compile import compile_notebook
from jupyter_mlplat.compiler.folder import FolderView

__all__ = ["FolderView", "compile_notebook"]
