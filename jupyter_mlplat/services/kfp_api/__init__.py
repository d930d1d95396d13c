"""Between KFP's REST API and our records: filters, pages, states, errors; the documents themselves.

Lives here: what an answer of Kubeflow's server would hold. Does not: HTTP (`engine.api.kfp`), or
any rule of what runs.
"""
