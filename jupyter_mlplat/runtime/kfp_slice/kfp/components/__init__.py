"""Where early releases of version 2 kept what components import."""

from ..dsl import *  # noqa: F403
