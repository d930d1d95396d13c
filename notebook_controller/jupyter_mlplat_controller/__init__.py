"""The Kubernetes controller of notebook servers.

Reconcilers are pure functions (objects as they are in, a plan out: `plans`); `notebooks` has that
of servers. Around them lies a level-triggered loop: `mirrors` keeps what the API server has,
`queueing` says what to look at next, `acting` carries plans out, `leading` lets one process act.
`python -m jupyter_mlplat_controller` runs it.
"""
