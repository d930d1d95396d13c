"""What a Notebook costs the API server, and how soon it is a StatefulSet, beside Kubeflow's own.

Everything is read out of the audit log of a real API server: one clock for both, and no call that
a controller makes goes uncounted.
"""
