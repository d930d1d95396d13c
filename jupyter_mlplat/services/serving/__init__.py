"""Deploying model versions as endpoints, dividing traffic among revisions, keeping them alive.

Lives here: the record of an endpoint (`records`), what should happen next (`deciding`, `splits`:
pure), the loop that makes it happen (`keeping`), what can be asked (`service`). Does not: processes
and sockets (`launchers/local`), protocols and models (`serving`).
"""
