"""What moves in a notebook: live displays.

Does not live here: how a thing looks while it stands still (that is `client.views`).
"""
