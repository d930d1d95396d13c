"""A cluster seen from outside: what it has, what is installed in it, whose profiles there are.

For the program, which installs before there is an engine to ask. Nothing here runs in a cluster.
"""
