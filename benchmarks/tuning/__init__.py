"""What a trial costs where the function tried costs nothing, beside Optuna.

`peer.py` runs inside Optuna's own environment and needs nothing of ours but `functions.py`.
"""
