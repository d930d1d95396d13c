"""The engine, as seen from a notebook, a terminal or a Jupyter server.

Lives here: finding and starting the engine (`launching`), HTTP over its Unix socket (`connection`),
one typed method per route (`engine`), the event stream (`events`), and what users hold in their
hands (`api`, `runs`, `models`, `endpoints`, `documents`) with how it looks (`views`).
Does not: any rule about pipelines, runs or models, and any import of pydantic before it is needed.
"""
