"""Verify: run a notebook from top to bottom and as steps, and say where the two differ.

Lives here: giving both ways the same folder to start from, running them through the launcher,
comparing what they showed, bound and wrote. Does not: describing values, which only their process
can do (`runtime.snapshot`).
"""

from jupyter_mlplat.services.verify.service import Verifier

__all__ = ["Verifier"]
