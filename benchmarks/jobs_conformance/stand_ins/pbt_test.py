"""Takes the arguments of Katib's `simple-pbt/pbt_test.py` and prints what it prints, at once."""

import argparse
import json
import os


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.0001)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--checkpoint", default="/var/log/katib/checkpoints/")
    given = parser.parse_args()
    path = os.path.join(given.checkpoint, "training.ckpt")
    step, accuracy = 1, 0.0
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            step, accuracy = json.load(file)
    else:
        os.makedirs(given.checkpoint, exist_ok=True)
    for _ in range(given.epochs):
        best = min(0.01, max(0.001, 0.01 * min(accuracy, 100 - accuracy) / 50))
        error = max(given.lr, best) / (min(given.lr, best) + 1e-12)
        accuracy = min(100.0, max(0.0, accuracy + (1 / error if error < 3 else 3 - error)))
        step += 1
    with open(path, "w", encoding="utf-8") as file:
        json.dump([step, accuracy], file)
    print(f"epoch {step}:\nlr={given.lr:0.4f}\nValidation-accuracy={accuracy / 100:0.4f}")


if __name__ == "__main__":
    main()
