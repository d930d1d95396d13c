"""Dividing requests among revisions by percent, exactly rather than by chance."""

from collections.abc import Collection, Mapping


class TrafficSplit:
    """Chooses a revision for each request so that the counts follow the percentages at any time.

    Smooth weighted round robin, as nginx does it: each choice adds its share to every revision's
    credit, takes the one with the most and charges it the whole. The error of each count stays
    below one request per revision, so a 5 % canary gets 500 of 10,000 requests, evenly spread.
    """

    def __init__(self, percent: Mapping[int, int]) -> None:
        self.percent = {revision: share for revision, share in percent.items() if share > 0}
        self._credit = dict.fromkeys(self.percent, 0)

    def choose(self, available: Collection[int]) -> int | None:
        """Pick among the revisions that have traffic and are available; None if there is none."""
        if len(self.percent) == 1:
            (revision,) = self.percent
            return revision if revision in available else None
        best: int | None = None
        total = 0
        for revision, share in self.percent.items():
            if revision not in available:
                continue
            total += share
            self._credit[revision] += share
            if best is None or self._credit[revision] > self._credit[best]:
                best = revision
        if best is not None:
            self._credit[best] -= total
        return best
