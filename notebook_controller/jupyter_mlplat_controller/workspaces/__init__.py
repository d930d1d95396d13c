"""Workspaces (Notebooks v2) as another front door: each becomes a Notebook that it owns.

Pure, as next door: a Workspace and its kind in, a Notebook and a status in upstream's spelling out.
All else, from the StatefulSet to idle rules, is the Notebook's.
"""
