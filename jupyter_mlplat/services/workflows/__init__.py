"""What a KFP pipeline means when it runs: its values, expressions, placeholders, calls, scopes.

Lives here: rules, as functions of values, after the proto and what the SDK emits. Does not: reading
documents (`formats.kfp`), processes, the clock, the store.
"""
