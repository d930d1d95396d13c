"""What a tuning job tries next, which of its trials stop early, and when it is over.

Lives here: search spaces and their checks, algorithms, early stopping, budgets, importance: pure
functions of a spec and its trial table. Does not: processes, files, the clock. What is imported at
first needs the standard library alone; numpy, scikit-learn, Optuna are loaded by what uses them.
"""
