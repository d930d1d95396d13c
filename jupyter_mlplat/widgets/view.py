"""One thing on display, live: state for the ES module beside this file, and what its buttons do.

Imported only where something is shown: anywidget and ipywidgets take a third of a second.
"""

import threading
from pathlib import Path
from typing import Any

import anywidget
from traitlets import Dict, List, Unicode

from jupyter_mlplat.client.documents import Shown
from jupyter_mlplat.client.views import plain
from jupyter_mlplat.errors import PlatformError
from jupyter_mlplat.resources.engine import Event
from jupyter_mlplat.widgets import TWIN, draw_twin
from jupyter_mlplat.widgets.feed import feed_of

_HERE = Path(__file__).parent / "static"


class LiveView(anywidget.AnyWidget):
    """A card that follows what it shows for as long as a front end shows the card.

    The front end says `shown` when it draws the card, also after a reload of the page, and `hidden`
    when it takes it away. State is changed from the feed's threads and from the kernel's.
    """

    _esm = _HERE / "view.js"
    _css = _HERE / "view.css"

    view = Dict().tag(sync=True)
    actions = List(Dict()).tag(sync=True)
    status = Unicode("still").tag(sync=True)  # live, still (nothing will happen), lost
    message = Unicode().tag(sync=True)  # why the last action did not succeed
    twin = Dict().tag(sync=True)  # for the notebook to keep

    def __init__(self, shown: Shown) -> None:
        self._lock = threading.RLock()
        self._shown = shown
        self._views = 0
        super().__init__(**_draw(shown))
        self.on_msg(self._on_message)

    @property
    def is_seen(self) -> bool:
        """Tell whether a front end draws it."""
        return self._views > 0

    def bundle(self) -> dict[str, Any]:
        """Return what stands in an output beside the static twin."""
        widget = {"version_major": 2, "version_minor": 1, "model_id": self.model_id}
        address = self._shown.address()
        if address:
            address["link"] = self.view["link"]
        return {"application/vnd.jupyter.widget-view+json": widget, TWIN: address}

    def show(self, shown: Shown) -> None:
        """Show a newer picture of the same thing."""
        state = _draw(shown)
        with self._lock, self.hold_sync():
            self._shown = shown
            for name, value in state.items():
                setattr(self, name, value)

    def follow(self) -> None:
        """Follow the engine's events from now on."""
        following = self._shown.following()
        if following is not None:
            feed_of(following.client.home.root).follow(self)

    # What the feed asks of it

    def concerns(self, event: Event) -> bool:
        following = self._shown.following()
        return following is not None and following.concerns(event)

    def look(self) -> None:
        """Ask the engine anew; one that is not there is not started for it."""
        following = self._shown.following()
        if following is None:
            return
        try:
            if following.client.find_engine() is None:
                self.lose()
            else:
                self.show(following.look())
        except PlatformError as error:
            self._say(error.message)

    def lose(self) -> None:
        """Keep the last picture, and say that it is one."""
        with self._lock:
            self.status = "lost"

    def _say(self, message: str) -> None:
        with self._lock:
            self.message = message

    # What the front end says

    def _on_message(self, _: Any, content: Any, buffers: Any) -> None:
        said = content.get("say") if isinstance(content, dict) else None
        if said == "shown":
            self._count(1)
        elif said == "hidden":
            self._count(-1)
        elif said == "act":
            self._act(content.get("name"))

    def _count(self, change: int) -> None:
        with self._lock:
            self._views = max(0, self._views + change)
        following = self._shown.following()
        if following is None:
            return
        feed = feed_of(following.client.home.root)
        if self._views:
            feed.follow(self)
        else:
            feed.leave(self)

    def _act(self, name: object) -> None:
        following = self._shown.following()
        action = next((a for a in following.actions if a.name == name), None) if following else None
        if action is None:
            return
        self._say("")
        try:
            self.show(action.do())
        except PlatformError as error:
            self._say(error.message)


def _draw(shown: Shown) -> dict[str, Any]:
    """Return the state that shows a thing as it is."""
    following = shown.following()
    return {
        "view": plain.draw(shown.view()),
        "actions": [
            {"name": action.name, "label": action.label, "question": action.question}
            for action in (following.actions if following else ())
        ],
        "status": "still" if following is None or following.is_final else "live",
        "twin": draw_twin(shown),
    }
