"""`python -m jupyter_mlplat_controller.manifests [FOLDER]`: write the tree, remove what is not it.

Without a folder it is `notebook_controller/manifests` of the checkout this runs from.
"""

import sys
from pathlib import Path

from jupyter_mlplat_controller.manifests.tree import tree


def main(arguments: list[str]) -> int:
    root = Path(arguments[0]) if arguments else Path(__file__).parents[2] / "manifests"
    wanted = {root / path: text for path, text in tree().items()}
    for path in sorted(root.rglob("*.yaml")):
        if path not in wanted:
            path.unlink()
            print(f"removed {path}")
    for path, text in wanted.items():
        if path.exists() and path.read_text("utf-8") == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
