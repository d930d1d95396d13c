"""Run by path: executes a notebook with papermill and prints the seconds of each call as JSON.

The calls alone are counted, imports excluded. Timed from outside, the whole process is what a
notebook node costs in Elyra: a process that imports papermill and starts a cold kernel.
"""

import json
import sys
import time


def main(source: str, target: str, rounds: int) -> None:
    import papermill

    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        papermill.execute_notebook(source, target, kernel_name="python3", progress_bar=False)
        times.append(time.perf_counter() - began)
    print(json.dumps(times))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
