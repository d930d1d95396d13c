"""Running pipelines: submission, the machine of run and task states, admission, caching, recording.

Lives here: rules, as functions of values. Does not: SQL, processes, HTTP, the clock. Time comes in
with the events, facts about files and environments come in as values.
"""
