"""What lives beside an API server: controllers, a scheduler, kubelets.

Each actor reconciles one key at a time and speaks to the server through `objects.Objects`, so that
it works beside the server in memory and beside a real one. Admission is no actor: it is part of the
server.
"""
