"""Magics of lines and of cells."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler import dynamic, process, shell, unseen
from jupyter_mlplat.compiler.heap import Value
from jupyter_mlplat.compiler.normalise import SHELL, SHOWS, WRITES_FILE, normalise

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.special import Special

_SETUP_MAGICS = frozenset(
    {"autoreload", "config", "load_ext", "matplotlib", "precision", "reload_ext", "aimport"}
    | {"autosave", "colors", "xmode", "pdb", "pprint", "alias", "automagic", "autocall"}
)
_HELP_MAGICS = frozenset({"pdef", "pdoc", "pfile", "pinfo", "pinfo2", "psource"})
_QUIET_MAGICS = frozenset(
    {"psearch", "lsmagic", "magic", "quickref", "page", "doctest_mode"}
    | {"memit", "mprun", "lprun", "tb", "debug", "profile"}
    | {
        "mlplat",
        "logstart",
        "logstop",
        "notebook",
        "pycat",
        "gui",
        "killbgscripts",
        "tensorboard",
        "man",
    }
)
_HISTORY_MAGICS = frozenset({"history", "hist", "recall", "rep", "rerun", "macro", "save", "edit"})
_NAMESPACE_MAGICS = frozenset({"who", "whos", "who_ls"})


def run_magic(machine: Special, name: str, line: str | None, node: ast.AST) -> Value:
    """Follow a line magic."""
    text = line or ""
    if name in ("time", "timeit", "prun", "memit") or name.startswith("%"):
        return run_statement_magic(machine, name, text, node)
    if name not in ("env", "set_env"):
        shell.expand(machine, text)
    if name in _SETUP_MAGICS:
        machine.trace.patches = True  # replayed; what hangs on values keeps its cells together
        if name == "alias" and text.strip():
            machine.aliases.add(text.split()[0])
        if name == "config" and "close_figures" in text and "True" not in text:
            process.keep_figures_open(machine, None)
        if name == "matplotlib" and not text.strip().startswith(("inline", "--list")) and text:
            process.keep_figures_open(machine, text)
            machine.facts.unknown.append(
                (machine.line, f"%matplotlib {text}", "Figures stay open from cell to cell.")
            )
        return machine.none
    if name in _HELP_MAGICS:
        about = text.strip().partition(".")[0]
        if about in machine.user.names:
            machine.read_user(about)
        return machine.none
    if name in _QUIET_MAGICS:
        return machine.plain
    if name in _NAMESPACE_MAGICS:
        machine.facts.from_start = True
        return machine.fresh("list", node)
    if name in _HISTORY_MAGICS:
        machine.facts.from_start = True
        if name == "macro":
            bind_macro(machine, text)
        return machine.plain
    return run_effect_magic(machine, name, text, node)


def bind_macro(machine: Special, text: str) -> None:
    """Follow `%macro name …`: later cells may run what it holds."""
    words = [word for word in text.split() if not word.startswith("-")]
    if words and words[0].isidentifier():
        machine.bind_user(words[0], machine.plain)
    machine.use_channel("@patch", "makes a macro")


def run_effect_magic(machine: Special, name: str, text: str, node: ast.AST) -> Value:
    match name:
        case "env" | "set_env":
            if "=" in text or len(text.split()) > 1:
                shell.expand(machine, text.partition("=")[2] or text)
                machine.trace.env = True
            else:
                machine.read_user("@env")
            return machine.plain
        case "cd" | "pushd" | "popd" | "bookmark":
            machine.trace.cwd = True
            machine.use_files(writes=False)  # the folder may have been made by a cell
            return machine.plain
        case "pwd" | "dirs" | "dhist":
            machine.read_user("@cwd")
            return machine.plain
        case "pip" | "conda" | "mamba" | "uv" | "sx" | "system" | "sc" | "ls" | "ll" | "cat":
            shell.run_shell(machine, text)
            return machine.fresh("list", node, machine.heap.plain("str"))
        case "mkdir" | "rm" | "cp" | "mv" | "rmdir" | "lf" | "lk" | "ldir" | "lx" | "less":
            shell.run_shell(machine, text)
            return machine.plain
        case "writefile":
            machine.use_files(writes=True)
            return machine.plain
        case "pylab":
            machine.has_star = True
            machine.trace.settings = True
            return machine.none
    return unseen.run_unknown(machine, f"the magic %{name}", node)


def run_statement_magic(machine: Special, name: str, text: str, node: ast.AST) -> Value:
    code = text.strip()
    while code.startswith("-"):
        option, _, rest = code.partition(" ")
        takes_value = option in ("-n", "-r", "-s", "-l", "-T", "-D", "-p", "-c", "-i", "-t")
        code = rest.strip().partition(" ")[2] if takes_value else rest.strip()
    if not code:
        return machine.none
    normal = normalise(code)
    if normal.tree is None:
        return unseen.run_unknown(machine, f"%{name} {text}", node)
    machine.keep(normal.tree)
    if name == "timeit":
        return dynamic.run_own_scope(machine, normal.tree, node)
    machine.run_body(normal.tree.body)
    last = normal.tree.body[-1]
    return machine.evaluate(last.value) if isinstance(last, ast.Expr) else machine.plain


def run_cell_magic(machine: Special, name: str, line: str, body: str, node: ast.AST) -> Value:
    machine.line = machine.line or 1
    shell.expand(machine, line)
    match name:
        case "capture":
            for word in line.split():
                if not word.startswith("-"):
                    made = machine.heap.make("unknown", (machine.heap.cell, "capture"))
                    machine.bind_user(word, frozenset({made}))
        case "time" | "prun" | "memit" | "debug" | "timeit":
            if name == "timeit" and line.strip():
                run_magic(machine, "timeit", line, node)
        case _ if name in WRITES_FILE:
            words = [word for word in line.split() if not word.startswith("-")]
            plain = words and not re.search(r"[{$]", words[-1])
            machine.use_files(writes=True, path=words[-1] if plain else None)
        case _ if name in SHELL or name == "!":
            run_shell_body(machine, name, line, body)
        case _ if name in SHOWS:
            return machine.none
        case _:
            return unseen.run_unknown(machine, f"the cell magic %%{name}", node)
    return machine.none


def run_shell_body(machine: Special, name: str, line: str, body: str) -> None:
    shell.run_shell(machine, "")
    machine.use_channel("@env", "runs a script", changes=False)
    for option in re.findall(r"--(?:out|err|proc)[ =](\w+)", line):
        machine.bind_user(option, machine.heap.plain("str"))
    if name in ("!", "sx", "system"):
        shell.expand(machine, body)
