"""Kubeflow's documents on this machine: from what one asks for to a job that can be begun.

What a document means is read in `formats`; what stands here for its image, its secrets and its
resources is found here. Jobs themselves are begun and told of elsewhere (`services.jobs`).
"""
