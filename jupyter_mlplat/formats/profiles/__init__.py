"""Kubeflow's Profile (`kubeflow.org/v1`), as upstream spells it.

Text and values in, values out. What a profile becomes is decided by the controller.
"""
