"""What a trivial step costs: a chain and a fan of them, run anew and run again.

Every step of ours is a process of its own, its states and its output are on disk before the next
one starts. `python -m benchmarks.pipeline_overhead [--json] [--peers NAME …]`.
"""
