"""How long two torch processes take to meet: from the call that launches them to their barrier.

Ours beside torchrun, two processes started by hand, and the Kubeflow SDK's local backend.
"""
