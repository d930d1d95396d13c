"""Garbage collection: what policy no longer keeps is deleted, what is referred to never.

Lives here: which runs go (`policy`), which content is still reachable (`marking`), and the sequence
of a collection (`collecting`). Does not: how facts, blobs and folders are deleted (`stores`).
"""

from jupyter_mlplat.services.gc.collecting import GarbageCollector

__all__ = ["GarbageCollector"]
