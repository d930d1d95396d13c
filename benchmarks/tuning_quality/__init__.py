"""What our algorithms find, beside Optuna's used directly, over fixed functions and seeds."""
