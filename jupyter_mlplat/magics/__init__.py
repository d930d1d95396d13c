"""`%load_ext jupyter_mlplat`: the platform from a notebook cell or an IPython prompt.

Lives here: the magics' arguments (`arguments`), what each does (`commands`), the mark of a step
(`marker`), which notebook is meant (`notebook`), completion. Does not: any rule; a magic calls the
client and returns what it got, which shows itself.
"""

from jupyter_mlplat.magics.extension import load_ipython_extension, unload_ipython_extension

__all__ = ["load_ipython_extension", "unload_ipython_extension"]
