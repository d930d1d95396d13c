"""Train and tuning jobs: from what was asked for to a run of one step, and what is told of it.

A job is a run like any other: what runs it, retries it and stops it is not here, nor is what a
sampler suggests (`services.tuning`) or what a runtime tells its ranks (`services.training`).
"""
