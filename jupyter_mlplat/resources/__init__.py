"""The nouns of the platform as validated values (pydantic 2).

Lives here: the documents that cross a boundary (wire, store, step). Does not: any I/O, and any rule
about what happens next (that is `services`).
"""
