"""Optuna by itself: `python peer.py STORAGE SAMPLER TRIALS SEED FOLDER`; prints JSON."""

import json
import sys
from pathlib import Path
from time import perf_counter

import optuna

sys.path.insert(0, str(Path(__file__).parent))
from functions import FUNCTIONS, suggest  # type: ignore[import-not-found]

SAMPLERS = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}


def main() -> None:
    storage, sampler, trials, seed, folder = sys.argv[1:]
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    function = FUNCTIONS["five mixed parameters"]
    study = optuna.create_study(
        storage=f"sqlite:///{folder}/study.db" if storage == "sqlite" else None,
        sampler=SAMPLERS[sampler](int(seed)),
    )
    start = perf_counter()
    for _ in range(int(trials)):
        trial = study.ask()
        study.tell(trial, function.call(suggest(trial, function.space)))
    took_s = perf_counter() - start
    print(json.dumps({"took_s": took_s, "best": study.best_value}))


if __name__ == "__main__":
    main()
