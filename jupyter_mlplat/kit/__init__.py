"""The ground: ids, clock, digests, atomic files, quantities, the state directory.

Lives here: what any program might need. Does not: anything that knows of pipelines or models.
"""
