"""The data plane: what answers a prediction request.

Lives here: the router of an endpoint (`router`), the model server of a revision (`server`), the
protocols they speak (`http` to the outside, `link` between the two, `v1` and `v2` inside the
bodies), loading of models, batching, metrics. Does not: which revision gets how much traffic and
when something is restarted (`services/serving`), starting processes (`launchers/local`). Nothing
here imports pydantic or the rest of the platform: a server should start fast and stay small.
"""
