"""Who may do what: asked of the cluster, remembered for a moment, never guessed."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from jupyter_mlplat.engine.api.identity import User
from jupyter_mlplat.errors import Forbidden, Unavailable
from jupyter_mlplat.ports.reviewing import GROUP, Review, Reviewer
from jupyter_mlplat.resources.routes import Access, Route

_log = logging.getLogger(__name__)

VERBS = {Access.READ: "get", Access.WRITE: "update", Access.ADMIN: "manage"}
"""What a role has to allow. Whoever may change anything may have code run, so there is one verb."""

KEPT_S = 30.0
REFUSED_S = 5.0
_LIMIT = 10_000
_TIMEOUT_S = 10.0


class Permissions:
    """Belongs to the event loop.

    Args:
        reviewer: Knows.
        now: Seconds of a clock that only goes forward.
    """

    def __init__(self, reviewer: Reviewer, now: Callable[[], float] = time.monotonic) -> None:
        self._reviewer = reviewer
        self._now = now
        self._known: OrderedDict[Review, tuple[float, bool]] = OrderedDict()
        self._asking: dict[Review, asyncio.Task[bool]] = {}

    async def check(self, user: User, profile: str, route: Route) -> None:
        """Let pass who may.

        Raises:
            Forbidden: The cluster's roles do not allow it, or there is no such profile.
            Unavailable: The cluster cannot be asked.
        """
        verb = VERBS[route.access]
        if not await self._may(Review(user.name, user.groups, profile, route.resource, verb)):
            raise Forbidden(
                f"{user.name!r} may not {verb} {route.resource} in profile {profile!r}. Ask its "
                f"owner for a role that allows {verb!r} on {route.resource!r} of {GROUP}."
            )

    async def _may(self, review: Review) -> bool:
        until, answer = self._known.get(review, (float("-inf"), False))
        if self._now() < until:
            return answer
        asking = self._asking.get(review)
        if asking is None:
            asking = self._asking[review] = asyncio.create_task(self._ask(review))
            asking.add_done_callback(lambda _: self._asking.pop(review, None))
        return await asyncio.shield(asking)

    async def _ask(self, review: Review) -> bool:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                answer = await self._reviewer.may(review)
        except Exception as error:  # whatever went wrong, nobody knows
            _log.warning("Cannot ask the cluster what %r may do: %r", review.user, error)
            raise Unavailable(
                f"Cannot tell what {review.user!r} may do in profile {review.namespace!r}: the "
                "cluster's API server does not answer. What runs goes on; try again in a minute."
            ) from error
        self._known[review] = (self._now() + (KEPT_S if answer else REFUSED_S), answer)
        self._known.move_to_end(review)
        while len(self._known) > _LIMIT:
            self._known.popitem(last=False)
        return answer
