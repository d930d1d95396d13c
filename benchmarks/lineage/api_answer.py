"""How long a client waits for a depth-50 answer of the engine: prints milliseconds as JSON."""

import json
import statistics
import tempfile
from pathlib import Path
from time import perf_counter

from platform_store import Store

from jupyter_mlplat.client.engine import EngineClient

CHAIN = 50
EXECUTIONS = 10_000
ROUNDS = 200


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="mlplat-") as folder:
        store = Store(Path(folder))
        store.insert_bulk(EXECUTIONS, CHAIN)
        end, _ = store.ends(CHAIN, 1)
        store.close()
        client = EngineClient(folder)
        try:
            client.get_engine()
            times = sorted(answer_ms(client, end) for _ in range(ROUNDS))
            slow = times[ROUNDS * 95 // 100]
            print(json.dumps({"median": statistics.median(times), "one in twenty": slow}))
        finally:
            client.stop_engine()


def answer_ms(client: EngineClient, artifact: str) -> float:
    start = perf_counter()
    found = len(client.get_lineage(artifact).executions)
    if found != CHAIN:
        raise SystemExit(f"The engine answered with {found} executions, not with {CHAIN}.")
    return (perf_counter() - start) * 1000


if __name__ == "__main__":
    main()
