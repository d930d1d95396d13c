"""Speed as ratios against peers, measured side by side in one run.

Not tests: nothing here asserts a time. `python -m benchmarks` runs all, `python -m benchmarks.NAME`
one. Each peer lives in an environment of its own below `.bench/`, made on first use.
"""
