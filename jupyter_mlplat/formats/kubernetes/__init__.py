"""What documents of Kubernetes have in common: objects, faults with their path, pods.

No cluster is asked, and nothing is started: text and values in, values out. What an object of one
kind means lies in the package of that kind.
"""
