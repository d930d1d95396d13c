"""Makes work run on a Kubernetes cluster: steps and ranks as Jobs.

`api.py` speaks to the API server, `objects.py` says what we make there, `reading.py` says what the
cluster tells of it; both are pure. `launcher.py` brings them together behind `ports/launcher.py`.
What runs next is decided elsewhere.
"""
