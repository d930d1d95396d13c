"""Lineage: what something was made from, what was made from it, which data and code made it.

Lives here: what an id stands for, and what a graph says (`provenance`, pure). Does not: how the
graph is stored and walked (`stores`), or how it is drawn (faces).
"""

from jupyter_mlplat.services.lineage.provenance import provenance
from jupyter_mlplat.services.lineage.service import LineageService

__all__ = ["LineageService", "provenance"]
