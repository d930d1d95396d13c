"""What is kept on disk: metadata (`stores.metadata`) and content (`stores.blobs`, `stores.folders`).

Lives here: adapters of `ports`, formats of files, durability. Does not: policy, or what happens next.
"""
