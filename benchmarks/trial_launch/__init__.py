"""What it costs to start a trial in a process of its own, beside Ray Tune.

`peer.py` runs inside Ray's own environment and needs nothing of ours.
"""
