"""Notebooks that cannot run from top to bottom: refused before they start."""

REFUSED = frozenset({"name used before its cell", "undefined name", "syntax error", "deleted name"})

NOTEBOOKS = {
    "name used before its cell": """
print(later)
# %%
later = 1
""",
    "undefined name": """
x = 1
# %%
y = x + missing
""",
    "syntax error": """
x = 1
# %%
def broken(:
    pass
# %%
print(x)
""",
    "deleted name": """
x = 1
del x
# %%
print(x)
""",
    "name bound in a function only": """
def f():
    inner = 1
    return inner
# %%
print(f())
""",
}
