"""Metrics at rate: a hundred thousand points logged by a cell, taken in, and drawn meanwhile."""
