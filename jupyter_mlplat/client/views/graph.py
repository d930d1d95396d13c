"""Lineage as a tree of lines, the way people read `git log --graph`."""

from collections import defaultdict

from jupyter_mlplat.kit.quantities import format_bytes
from jupyter_mlplat.resources.lineage import Artifact, Execution, Lineage


def draw(lineage: Lineage) -> str:
    """Draw the graph from its root outwards; what was drawn above is named, not repeated."""
    tree = _Tree(lineage)
    if lineage.direction == "both":
        sides = [("made from", "upstream"), ("used by", "downstream")]
        return "\n\n".join(f"{title}\n{tree.draw(side)}" for title, side in sides)
    return tree.draw(lineage.direction)


class _Tree:
    def __init__(self, lineage: Lineage) -> None:
        self._root = lineage.root
        self._executions = {execution.id: execution for execution in lineage.executions}
        self._artifacts = {artifact.id: artifact for artifact in lineage.artifacts}
        self._next: dict[str, dict[str, list[str]]] = {
            "upstream": defaultdict(list),
            "downstream": defaultdict(list),
        }
        reads = {(e.execution_id, e.artifact_id) for e in lineage.events if e.kind == "input"}
        for execution, artifact in sorted(reads):
            self._link(artifact, execution)
        makers: dict[str, str] = {}
        for event in lineage.events:
            execution, artifact = event.execution_id, event.artifact_id
            # Who passes on what it read made nothing; of two who made the same, the first did.
            if event.kind == "output" and (execution, artifact) not in reads:
                makers[artifact] = min(execution, makers.get(artifact, execution))
        for artifact, execution in makers.items():
            self._link(execution, artifact)

    def _link(self, source: str, target: str) -> None:
        self._next["upstream"][target].append(source)
        self._next["downstream"][source].append(target)

    def draw(self, side: str) -> str:
        lines: list[str] = []
        seen: set[str] = set()
        # An explicit stack: lineage may be deeper than Python's.
        stack = [(root, "", "") for root in reversed(self._roots())]
        while stack:
            node, branch, indent = stack.pop()
            maker = self._maker(side, node)
            children = self._next[side][maker or node]
            is_above = (maker or node) in seen and bool(children)
            seen.add(maker or node)
            label = self._label(node) + (
                f" ← {self._label(maker).removeprefix('◆ ')}" if maker else ""
            )
            lines.append(f"{branch}{label}{' (above)' if is_above else ''}")
            if is_above:
                continue
            for index, child in reversed(list(enumerate(children))):
                is_last = index == len(children) - 1
                branch = indent + ("└─ " if is_last else "├─ ")
                stack.append((child, branch, indent + ("   " if is_last else "│  ")))
        return "\n".join(lines)

    def _maker(self, side: str, node: str) -> str:
        """Return what made an artifact, which then needs no line of its own."""
        if side == "upstream" and node in self._artifacts:
            return next(iter(self._next[side][node]), "")
        return ""

    def _roots(self) -> list[str]:
        if self._root in self._executions or self._root in self._artifacts:
            return [self._root]
        # The root is a run: start from each of its executions.
        return [e.id for e in self._executions.values() if e.run_id == self._root]

    def _label(self, node: str) -> str:
        if execution := self._executions.get(node):
            return _describe_execution(execution)
        if artifact := self._artifacts.get(node):
            return _describe_artifact(artifact)
        return node


def _describe_execution(execution: Execution) -> str:
    facts = [f"cells {', '.join(execution.code.cells)}"] if execution.code.cells else []
    if execution.state != "COMPLETE":
        facts.append(execution.state.lower())
    return f"◆ {execution.name}" + (f" ({'; '.join(facts)})" if facts else "")


def _describe_artifact(artifact: Artifact) -> str:
    kind = artifact.type.rpartition(".")[2]
    digest = f" {artifact.digest.removeprefix('sha256:')[:12]}" if artifact.digest else ""
    return f"○ {artifact.name} [{kind}, {format_bytes(artifact.size_bytes)}]{digest}"
