"""What becomes of a Notebook: pure functions from what is seen to what is wanted.

Nothing here speaks to a cluster or looks at a clock.
"""
