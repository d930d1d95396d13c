"""Notebook servers on clusters: found, asked for, followed.

What a cluster makes of a server is the controller's business; how a cluster is spoken to is a
port. With no cluster there are no servers, which is no error.
"""
