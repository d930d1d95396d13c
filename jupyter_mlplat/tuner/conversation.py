"""What is answered to each request."""

from collections.abc import Mapping
from typing import Any

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.services.tuning.problem import read_problem
from jupyter_mlplat.services.tuning.search import Search

Message = dict[str, Any]


class Conversation:
    """One end of the line; holds the search that was begun."""

    def __init__(self) -> None:
        self._search: Search | None = None

    def answer(self, request: Any) -> Message:
        """Return the answer to one request.

        Raises:
            PlatformError: It cannot be done; says why.
        """
        if not isinstance(request, dict):
            raise InvalidInput(f"A request is an object with an op; found {request!r:.200}.")
        op = request.get("op")
        if op == "begin":
            return self._begin(request)
        if op == "exchange":
            return self._exchange(request)
        if op == "importance":
            return _importance(request)
        raise InvalidInput(f"There is no op {op!r}: begin, exchange or importance is needed.")

    def _begin(self, request: Mapping[str, Any]) -> Message:
        problem = read_problem(_spec_of(request), request.get("key") or "")
        self._search = Search(problem, request.get("trials") or (), request.get("earlier") or ())
        return {"ok": True}

    def _exchange(self, request: Mapping[str, Any]) -> Message:
        search = self._search
        if search is None:
            raise InvalidInput("An exchange needs a beginning first: op begin.")
        try:
            stop = [
                report["number"]
                for report in request.get("report") or ()
                if search.report(report["number"], report.get("position"), report["value"])
            ]
            for told in request.get("tell") or ():
                search.tell(
                    told["number"],
                    told["state"],
                    told.get("value"),
                    told.get("parameters"),
                    told.get("label"),
                )
        except KeyError as error:
            raise InvalidInput(f"An exchange lacks {error} in what is told.") from error
        trials = [
            {"number": number, "parameters": one.parameters, "label": one.label}
            for number, one in search.ask(int(request.get("ask") or 0))
        ]
        over = search.over()
        return {
            "trials": trials,
            "stop": sorted(set(stop)),
            "over": over and over.why,
            "outcome": over and over.outcome,
        }


def _importance(request: Mapping[str, Any]) -> Message:
    from jupyter_mlplat.services.tuning.importance import importance

    return {"importance": importance(_spec_of(request), request.get("trials") or ())}


def _spec_of(request: Mapping[str, Any]) -> Mapping[str, Any]:
    spec = request.get("spec")
    if not isinstance(spec, dict):
        raise InvalidInput(f"A request needs a spec; found {spec!r:.200}.")
    return spec
