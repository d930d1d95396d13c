"""What executes inside a step.

Standard library, IPython and cloudpickle only, Python 3.9 or newer, and nothing else of ours: this
folder is copied beside cloudpickle into a slice (`launchers/local/slice.py`) and run there by path,
in whatever environment the notebook's kernel has. There the package is called
`jupyter_mlplat_runtime`, hence relative imports only.
"""
