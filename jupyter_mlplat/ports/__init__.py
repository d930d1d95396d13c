"""What services ask of the world, as Protocols.

Their docstrings are contracts, and every adapter is tested against them.

Lives here: interfaces, and the plain values they take and give. Does not: any library's name.
"""
