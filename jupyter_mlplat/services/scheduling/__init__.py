"""When something is to be run, and what becomes of it: cron, policies, templates; and the service.

Rules are pure: they take values and a moment, and return values. The clock is the caller's.
"""
