"""The Kubernetes controller of notebook servers.

Its room is reserved: the wheel installs this package so that its name and place are settled. What
belongs here are pure reconcile functions (a Notebook in, the desired objects out) and the operator
that carries them out.
"""
