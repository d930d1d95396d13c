"""How our nouns look, once for notebooks, terminals and plain text.

`nouns` turns a document into a `View`, a value; `text` and `html` draw any view.
Does not live here: anything that moves (that is `widgets` and `cli`).
"""
