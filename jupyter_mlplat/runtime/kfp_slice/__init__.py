"""What the code of a KFP component may import from `kfp` while it runs.

Lives here: the package `kfp` as a component sees it, put on its path so that the pinned `kfp` need
not be installed for every step. Does not: anything that compiles a pipeline or calls a server. It
needs the standard library alone and any Python ≥ 3.9.
"""
