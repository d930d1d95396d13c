"""Profiles: a Profile in, the namespace with its access, limits and walls out.

Pure: what is there comes in as values, what is to be there goes out as values. The loop that
carries it out lives next door.
"""
