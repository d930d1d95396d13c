"""KFP v2 pipelines as documents: the IR that `kfp` compiles to and Kubeflow runs.

Lives here: reading them safely, their shape (`spec`, after `pipeline_spec.proto`), and whether what
they name is there (`checking`). Does not: what a pipeline does when it runs (`services.workflows`).
"""
