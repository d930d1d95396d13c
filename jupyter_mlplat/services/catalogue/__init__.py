"""What runs are made of and grouped by: stored pipelines, their versions, experiments.

Reading a document is not done here (`formats`), nor is anything run (`services.pipelines`).
"""
