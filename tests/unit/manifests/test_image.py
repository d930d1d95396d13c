"""The definition of our image, read as a linter would: not every machine can build it."""

import re
import shlex
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "notebook_controller"
TEXT = (FOLDER / "Containerfile").read_text()
KNOWN = frozenset(
    ("ARG", "FROM", "COPY", "RUN", "LABEL", "ENV", "USER", "WORKDIR", "EXPOSE", "STOPSIGNAL", "CMD")
)


def instructions() -> list[tuple[str, str]]:
    lines = [line for line in TEXT.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    pairs = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    return [(word, rest) for word, rest in pairs]


def last(word: str) -> str:
    return [rest for name, rest in instructions() if name == word][-1]


def test_every_instruction_is_one() -> None:
    assert {word for word, _ in instructions()} <= KNOWN


def test_image_runs_as_a_numbered_user_that_is_not_root() -> None:
    assert re.fullmatch(r"[1-9]\d*:\d+", last("USER"))  # a name could not be checked by a kubelet
    after = [word for word, _ in instructions()][-6:]
    assert "RUN" not in after


def test_bases_are_named_in_full_with_a_tag() -> None:
    bases = [rest.split()[0] for word, rest in instructions() if word == "FROM"]

    assert all(re.fullmatch(r"docker\.io/library/python:\$\{PYTHON\}-slim-\w+", b) for b in bases)


def test_nothing_is_kept_that_only_the_build_needed() -> None:
    runs = [rest for word, rest in instructions() if word == "RUN"]

    assert all("--no-cache-dir" in run for run in runs if "pip install" in run)
    assert not any("apt-get install" in run and "lists" not in run for run in runs)
    assert not any(re.search(r"curl|wget", run) for run in runs)


def test_files_that_are_copied_exist() -> None:
    for word, rest in instructions():
        if word == "COPY" and "--from=" not in rest:
            sources = shlex.split(rest)[:-1]
            assert all(
                source.startswith("dist/") or (FOLDER.parent / source).exists()
                for source in sources
            )


def test_command_of_a_notebook_is_a_script_that_a_shell_can_read() -> None:
    script = FOLDER / "start-notebook"

    assert last("CMD") == '["start-notebook"]'
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
    assert script.stat().st_mode & 0o111
