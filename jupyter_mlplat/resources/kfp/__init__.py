"""The documents of KFP's REST API v2beta1, spelled as Kubeflow's server spells them.

They are for callers who expect that server; what is kept are our own documents, and
`services.kfp_api` turns the ones into the others.
"""
