"""A Kubernetes API server in memory, with real HTTP.

What lives here: a store of objects with versions and history (`store`), the table of kinds
(`kinds`), the verbs over them (`verbs`), what a request must pass on its way (`access`, `schemas`,
`rules`, `admission`), and the HTTP in front (`server`), with dials for faults (`faults`) and a
record of every call.

What does not: controllers, scheduler and kubelets. Those are actors (`tests.cluster.actors`) that
speak to any API server. The yardstick is the real server: `tests/cluster/recordings` holds its
answers.
"""
