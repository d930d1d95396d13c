"""Records what a real API server answers to the scenarios.

    KUBEBUILDER_ASSETS=… python -m tests.cluster.recording     # writes
    tests/cluster/recordings/*.json

What differs from one run to the next (versions, uids, moments, addresses, tokens) is replaced by
its name.
"""

from __future__ import annotations

import json
import re
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cluster.scenarios import ALL, Scenario, Step

Object = dict[str, Any]
FOLDER = Path(__file__).with_name("recordings")
VOLATILE = {
    "resourceVersion": "VERSION",
    "uid": "UID",
    "creationTimestamp": "TIME",
    "deletionTimestamp": "TIME",
    "lastTransitionTime": "TIME",
    "time": "TIME",
    "continue": "TOKEN",
    "clusterIP": "ADDRESS",
    "batch.kubernetes.io/controller-uid": "UID",
    "controller-uid": "UID",
}
Ask = Callable[[Step], tuple[int, Any]]


def asker(url: str, token: Callable[[str], str], authority: str | None = None) -> Ask:
    """Return what sends a step to a server."""
    trust = ssl.create_default_context(cadata=authority) if url.startswith("https") else None

    def ask(step: Step) -> tuple[int, Any]:
        headers = {
            "Authorization": f"Bearer {token(step.user)}",
            "Content-Type": step.media,
            "Accept": "application/json",
            "User-Agent": "recorder/1",
        }
        data = json.dumps(step.body).encode() if step.body is not None else None
        request = urllib.request.Request(url + step.path, data, headers, method=step.method)
        try:
            with urllib.request.urlopen(request, timeout=30, context=trust) as answer:
                if step.events:
                    return answer.status, [
                        json.loads(answer.readline()) for _ in range(step.events)
                    ]
                return answer.status, _read(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _read(error.read())

    return ask


def _read(text: bytes) -> Any:
    return json.loads(text) if text[:1] == b"{" else text.decode().strip()


def play(scenario: Scenario, ask: Ask) -> Object:
    """Run a scenario and return its answers, normalised."""
    raw: Object = {}
    answers: Object = {}
    for step in scenario.steps:
        code, body = ask(_filled(step, raw))
        raw[step.name] = body
        answers[step.as_key()] = {"code": code, "body": normalised(body)}
    return answers


def _filled(step: Step, raw: Object) -> Step:
    def put(match: re.Match[str]) -> str:
        found: Any = raw[match[1]]
        for part in match[2].strip(".").split("."):
            found = found[part]
        return str(found)

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return re.sub(r"\$([a-z-]+)((?:\.[A-Za-z]+)+)", put, value)
        if isinstance(value, dict):
            return {key: fill(part) for key, part in value.items()}
        return [fill(part) for part in value] if isinstance(value, list) else value

    return Step(
        step.name, step.method, fill(step.path), fill(step.body), step.media, step.user, step.events
    )


def normalised(value: Any, key: str = "") -> Any:
    """Replace what differs between two runs by its name; of managed fields keep what is applied."""
    if key in VOLATILE and isinstance(value, str) and value != "None":
        return VOLATILE[key]
    if key == "clusterIPs" and value != ["None"]:
        return ["ADDRESS"]
    if isinstance(value, dict):
        found = {name: normalised(part, name) for name, part in sorted(value.items())}
        if "managedFields" in found:
            applied = [entry for entry in found["managedFields"] if entry["operation"] == "Apply"]
            applied.sort(key=lambda entry: (entry["manager"], entry.get("subresource", "")))
            del found["managedFields"]
            if applied:
                found["managedFields"] = applied
        return found
    if isinstance(value, list):
        return [normalised(part) for part in value]
    if isinstance(value, str):
        value = re.sub(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", "UID", value)
        value = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", value)
        # What only Go can say: differences of structs, whole structs, where a scheme was made.
        value = re.sub(r"\n@@.*", "", value, flags=re.DOTALL)
        value = re.sub(r"Invalid value: \{.{200,}\}: ", "Invalid value: {…}: ", value)
        value = re.sub(r'in scheme "[^"]*"', "in scheme SCHEME", value)
        return value.replace('(groups=["" ', "(groups=[")
    return value


def main() -> None:
    from tests.cluster.real import real_cluster

    FOLDER.mkdir(exist_ok=True)
    wanted = set(sys.argv[1:])
    with real_cluster(without=("kube-controller-manager", "kube-scheduler")) as cluster:
        ask = asker(cluster.url, cluster.token, cluster.authority)
        for scenario in ALL:
            if wanted and scenario.name not in wanted:
                continue
            answers = play(scenario, ask)
            text = json.dumps(answers, indent=1, sort_keys=True, ensure_ascii=False)
            (FOLDER / f"{scenario.name}.json").write_text(text + "\n")
            print(f"{scenario.name}: {len(answers)} answers")


if __name__ == "__main__":
    main()
