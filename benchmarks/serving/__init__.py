"""Serving a model: requests a second, latency, start, memory, beside the servers people use.

`python -m benchmarks.serving [--json FILE] [--seconds 3] [--rounds 3]`; needs `wrk` on the PATH.
Ours is measured as a user gets it: deployed by the serving service, called at the endpoint's URL,
through the router. "scikit-learn inside" is the same model deployed as a pickle, so that
scikit-learn itself predicts. Where other work makes wall times jump, compare CPU per request.
"""
