"""KFP's REST API v2beta1, for stock clients: a second application, on TCP, behind a token.

It answers as Kubeflow's server does; what happens is what happens for every face.
"""
