"""What moves in a notebook: live displays.

A `LiveView` (anywidget) draws the same views as `client.views`, follows the engine's events through
one `Feed` a process, and stands beside a static twin in the same bundle: what nbconvert, GitHub and
front ends without widgets show.
Does not live here: how a thing looks while it stands still (that is `client.views`).
"""

from typing import TYPE_CHECKING, Any

from jupyter_mlplat.client.documents import Shown
from jupyter_mlplat.client.views import html

if TYPE_CHECKING:
    from jupyter_mlplat.widgets.view import LiveView

TWIN = "application/vnd.mlplat.view+json"
"""Says to our JupyterLab extension: show the twin until the live view is there, and of whom.

What it says (`Shown.address`) is enough to draw the twin anew where the kernel is gone."""


def find_view(shown: Shown) -> "LiveView | None":
    """Make a live view of a thing; None where it has nothing to follow, or anywidget is missing."""
    if shown.following() is None and not shown.view().link:
        return None
    try:
        from jupyter_mlplat.widgets.view import LiveView
    except ImportError:
        return None
    return LiveView(shown)


def find_bundle(shown: Shown) -> dict[str, Any]:
    """Return what a live view adds to the static twin."""
    view = find_view(shown)
    return {} if view is None else view.bundle()


def draw_twin(shown: Shown) -> dict[str, str]:
    """Return the static twin: HTML without scripts, and text."""
    return {"text/html": html.draw(shown.view()), "text/plain": repr(shown)}
