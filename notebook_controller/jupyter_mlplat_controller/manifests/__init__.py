"""What is installed in a cluster, written once: CRDs, roles, workloads, as kustomize reads them.

`python -m jupyter_mlplat_controller.manifests` writes `notebook_controller/manifests`; the program
installs from the same tree without needing the files. What describes our kinds comes from the
models that read them, so that the two never differ.
"""
