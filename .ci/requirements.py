"""Print what pyproject.toml asks for, development tools included, one requirement a line.

They are installed before the package itself, because building its side panel needs them.
"""

import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
extras = project["optional-dependencies"]
wanted = [*project["dependencies"], *extras["test"], *extras["dev"]]
print("\n".join(line for line in wanted if not line.startswith(project["name"])))
