"""What is kept on disk: metadata, content by its digest, folders of runs.

Lives here: adapters of `ports`, formats of files, durability. Does not: policy, what happens next.
"""
