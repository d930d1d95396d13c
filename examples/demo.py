"""The main job, from the command line: a notebook becomes a pipeline, a model and an endpoint.

Each line that starts with a $ is a command you can type yourself.
"""

import json
import shlex
import subprocess
import sys
from pathlib import Path

from sklearn.datasets import load_breast_cancer

NOTEBOOK = Path(__file__).with_name("01-tumours.ipynb")
MODEL = "tumour"
COMMAND = Path(sys.executable).with_name("jupyter-mlplat")


def say(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def mlplat(*arguments: str) -> None:
    """Run a command and show it with its output."""
    print(f"$ jupyter mlplat {shlex.join(arguments)}", flush=True)
    subprocess.run([COMMAND, *arguments], check=True)


def ask(*arguments: str) -> dict[str, object]:
    """Run a command for its JSON answer."""
    done = subprocess.run(
        [COMMAND, *arguments, "--json"], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout)


def main() -> None:
    say("1. What the notebook is, as a pipeline. Nothing in it is tagged.")
    mlplat("compile", str(NOTEBOOK))

    say("2. Run it, with a parameter of our own.")
    mlplat("run", str(NOTEBOOK), "-p", "trees=200")

    say("3. Register the model it logged, and see which data and code made it.")
    version = ask("models", "register", MODEL, "--run", "latest", "--alias", "champion")["version"]
    mlplat("lineage", f"{MODEL}/{version}")

    say("4. Deploy it.")
    mlplat("deploy", f"{MODEL}@champion")

    say("5. Ask it about two biopsies it has never been asked about.")
    biopsies = load_breast_cancer(as_frame=True).data.rename(
        columns=lambda name: name.replace(" ", "_")
    )
    rows = biopsies.iloc[[19, 20]].to_dict(orient="records")
    answer = ask("predict", MODEL, "--data", json.dumps(rows))
    endpoint = ask("endpoints", "show", MODEL)["endpoint"]
    print(f"POST {endpoint['url']}/v1/models/{MODEL}:predict")
    print(f"prediction: {answer['outputs']}  (1: benign, 0: malignant)")

    say("See it all in JupyterLab: make lab, then open 01-tumours.ipynb and the ML Platform panel.")


if __name__ == "__main__":
    main()
