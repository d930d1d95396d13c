"""The engine: the process that owns a state directory. Composition root, HTTP API, loops, recovery.

Lives here: wiring, the conductor that feeds the machines of runs, the stage that carries their
instructions out, and one small module per noun of the API. Does not: rules; those are `services`.
"""
