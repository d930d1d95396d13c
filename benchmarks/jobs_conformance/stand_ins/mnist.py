"""Takes the arguments of Katib's `pytorch-mnist/mnist.py` and writes what it writes, at once.

Nothing is trained: loss and accuracy are functions of the parameters and the epoch.
"""

import argparse
import json
import logging
import math
import time


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--momentum", type=float, default=0.5)
    parser.add_argument("--log-path", default="")
    parser.add_argument("--logger", choices=["standard", "hypertune"], default="standard")
    given = parser.parse_args()
    into_file = given.log_path if given.log_path and given.logger == "standard" else None
    logging.basicConfig(
        format="%(asctime)s %(levelname)-8s %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%SZ",
        level=logging.DEBUG,
        filename=into_file,
    )
    for epoch in range(1, given.epochs + 1):
        loss, accuracy = result(given.lr, given.momentum, epoch)
        for batch in range(3):
            logging.info(
                f"Train Epoch: {epoch} [{batch * 640}/60000 ({batch}%)]\tloss={loss + 0.1:.4f}"
            )
            time.sleep(0.02)
        logging.info(
            f"{{metricName: accuracy, metricValue: {accuracy:.4f}}};"
            f"{{metricName: loss, metricValue: {loss:.4f}}}\n"
        )
        if given.logger == "hypertune":
            report(given.log_path, "loss", loss, epoch)
            report(given.log_path, "accuracy", accuracy, epoch)


def result(lr: float, momentum: float, epoch: int) -> tuple[float, float]:
    """Return a loss and an accuracy: best near lr=0.03, momentum=0.8, better with each epoch."""
    distance = math.log10(max(lr, 1e-9) / 0.03) ** 2 + (momentum - 0.8) ** 2
    loss = 0.3 + 0.2 * distance + 0.5 / epoch
    return loss, math.exp(-loss / 2)


def report(path: str, name: str, value: float, epoch: int) -> None:
    """Append a line as `hypertune` does, texts for numbers included."""
    line = {"timestamp": time.time(), "trial": "0", name: str(value), "global_step": str(epoch)}
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
