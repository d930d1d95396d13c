"""Ways into the notebook's namespace other than its names: its module, frames, code in strings."""

import ast
from abc import abstractmethod
from textwrap import dedent

from jupyter_mlplat.compiler import callbacks, classes, dynamic, following, unseen
from jupyter_mlplat.compiler.binding import Args
from jupyter_mlplat.compiler.expressions import Expressions
from jupyter_mlplat.compiler.heap import NOTHING, Obj, Value
from jupyter_mlplat.compiler.reading import is_of_notebook
from jupyter_mlplat.compiler.scope import Scope

GLOBALS_ATTRIBUTES = frozenset({"f_globals", "__globals__"})
RUN_TEXT = frozenset(
    {"cProfile.run", "cProfile.runctx", "pdb.run", "profile.run", "profile.runctx", "pdb.runeval"}
)
"""Functions that run a text in the notebook's namespace."""
TIMERS = frozenset({"timeit.Timer", "timeit.repeat", "timeit.timeit"})


class Reflection(Expressions):
    """Follows what reaches the namespace through objects and through texts."""

    @abstractmethod
    def load_name_global(self, name: str, node: ast.AST) -> Value:
        """Read a name of the notebook from wherever the code stands (see `Special`)."""

    # -- the module and its frames -------------------------------------------------------------

    def globals_object(self) -> Value:
        return frozenset({self.heap.make("globals", "globals")})

    def load_attribute(self, value: Value, name: str, node: ast.AST) -> Value:
        if self.is_main(value):
            if name in ("__dict__", "__builtins__"):
                return self.globals_object()
            return self.load_name_global(name, node)
        if name in GLOBALS_ATTRIBUTES and self._leads_here(value):
            return self.globals_object()
        if name == "f_locals":
            held = {item for obj in value for item in obj.inner}
            return self.globals_object() | self._locals_of_callers(node, held)
        return super().load_attribute(value, name, node)

    def _leads_here(self, value: Value) -> bool:
        return any(obj.kind != "function" or is_of_notebook(obj, self.user) for obj in value)

    def _locals_of_callers(self, node: ast.AST, held: set[Obj]) -> Value:
        """Return a dict that stands for the local names of the functions being called."""
        scope: Scope | None = self.scope
        while scope is not None and not scope.is_global:
            held |= {item for value in scope.names.values() for item in value}
            scope = scope.parent
        for frame in self.frames:
            held |= {item for value in frame.params.values() for item in value}
        return self.fresh("dict", node, held - {self.heap.unbound}, "frame")

    def load_item(self, value: Value, key: Value, node: ast.AST) -> Value:
        if any(obj.path == "sys.modules" for obj in value) and self.literal(key) == "__main__":
            return frozenset({self.load_module("__main__", node)})
        return super().load_item(value, key, node)

    def elements(self, value: Value, node: ast.AST) -> Value:
        if any(obj.kind == "globals" for obj in value):
            self.read_everything("all names are looped over")
            rest = frozenset(obj for obj in value if obj.kind != "globals")
            found = super().elements(rest, node) if rest else NOTHING
            return found | self.heap.plain("str") | self.everything()
        return super().elements(value, node)

    def everything(self) -> Value:
        """Return whatever any name may refer to."""
        return frozenset().union(*self.user.names.values()) - {self.heap.unbound}

    # -- texts that are run --------------------------------------------------------------------

    def call_text_runner(self, path: str, args: Args, node: ast.AST) -> Value | None:
        """Follow functions of the standard library that run a text over the notebook's names."""
        if path in RUN_TEXT:
            tree = self._parse(self.literal(args.at(0, "statement" if "P" in path else "stmt")))
            if tree is None or not self.scope.is_global:
                return unseen.run_unknown(self, f"a text run by `{path}`", node)
            self.run_body(tree.body)
            return self.none
        if path not in TIMERS:
            return None
        texts = [args.at(0, "stmt"), args.at(1, "setup")]
        for value in texts:
            callbacks.call_back(self, value, self.plain, node)
        plain = [value for value in texts if value and not any(map(classes.is_callable, value))]
        trees = [self._parse(self.literal(value)) for value in plain]
        if any(tree is None for tree in trees):
            return unseen.run_unknown(self, f"a text run by `{path}`", node)
        body = [item for tree in reversed(trees) if tree is not None for item in tree.body]
        dynamic.run_own_scope(self, ast.Module(body, []), node)
        if path != "timeit.Timer":
            return self.unknown(node)
        made = self.unknown(node, args.all)
        for obj in made:
            obj.is_tied = True  # what it runs is compiled into it
        return made

    def _parse(self, text: object) -> ast.Module | None:
        if not isinstance(text, str):
            return None
        try:
            tree = ast.parse(dedent(text).strip())
        except (SyntaxError, ValueError, RecursionError):
            return None
        self.keep(tree)
        return tree

    # -- test runners --------------------------------------------------------------------------

    def run_test_cases(self, what: str, node: ast.AST) -> None:
        """Follow a runner that collects the notebook's test cases by itself."""
        self.read_everything(what)
        for cls in self.everything():
            if cls.kind != "class" or not classes.has_unknown_base((cls,)):
                continue
            with self.uncertain():
                for case in following.instantiate(self, cls, Args(), node):
                    callbacks.call_methods(self, case, NOTHING, node, dunder_only=False)
            self.change([cls], what)
