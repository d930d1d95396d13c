"""Calls that a table entry cannot describe, and who follows each of them."""

import ast
from collections.abc import Callable

from jupyter_mlplat.compiler import (
    classes,
    dynamic,
    files,
    introspection,
    ipython,
    namespace,
    naming,
    process,
    unseen,
)
from jupyter_mlplat.compiler.binding import Args
from jupyter_mlplat.compiler.heap import NOTHING, Obj, Value
from jupyter_mlplat.compiler.reflection import Reflection

IDENTITY_DECORATORS = frozenset(
    {"abc.abstractmethod", "builtins.staticmethod", "builtins.classmethod", "builtins.property"}
    | {"functools.cached_property", "functools.wraps", "functools.total_ordering"}
    | {"contextlib.contextmanager", "typing.overload", "typing.final", "typing.no_type_check"}
    | {"dataclasses.dataclass", "enum.unique", "typing.runtime_checkable", "functools.cache"}
    | {"functools.lru_cache", "contextlib.asynccontextmanager", "numba.jit", "numba.njit"}
)


class Special(Reflection):
    """Follows the calls that look at or change the notebook itself."""

    def call_special(self, path: str, args: Args, node: ast.AST) -> Value | None:
        handler = HANDLERS.get(path)
        if handler is not None:
            return handler(self, args, node)
        followed = self.call_text_runner(path, args, node)
        if followed is not None:
            return followed
        if path.startswith(("logging.", "IPython.display.", "IPython.core.display", "matplotlib.")):
            return process.call_process(self, path, args, node)
        if path.startswith("pandas.read_") and {"chunksize", "iterator"} & args.keywords.keys():
            return files.read_in_parts(self, args, node)
        if path.startswith("ipython."):
            return ipython.call_shell(self, path.removeprefix("ipython."), args, node)
        if path.startswith("__main__") or path.endswith(".user_ns"):
            return unseen.run_unknown(self, f"`{path}`", node)
        if path == "unittest.main":
            self.run_test_cases("runs the notebook's tests", node)
            return self.unknown(node, args.all)
        if path in ("inspect.signature", "inspect.Signature.from_callable") and (
            "eval_str" in args.keywords
        ):
            self.read_everything("evaluates annotations")
        if (
            path.startswith("sklearn.datasets.load_")
            and self.literal(args.at(0, "as_frame")) is True
        ):
            return self.fresh("frames", node)
        if path in IDENTITY_DECORATORS and args.positional:
            return args.positional[0]
        return None

    def call_method(self, obj: Obj, name: str, args: Args, node: ast.AST) -> Value:
        if obj.kind == "super":
            return introspection.call_super_method(self, obj, name, args, node)
        if obj.kind == "globals":
            return namespace.call_on_globals(self, name, args, node)
        if obj.kind == "frame" and name in ("query", "eval"):
            dynamic.read_query_names(self, args)
        return super().call_method(obj, name, args, node)

    def load_item(self, value: Value, key: Value, node: ast.AST) -> Value:
        if any(obj.kind == "globals" for obj in value):
            name = self.literal(key)
            if isinstance(name, str):
                return self.load_name_global(name, node)
            self.read_everything("`globals()` with a computed name")
            rest = frozenset(obj for obj in value if obj.kind != "globals")
            found = super().load_item(rest, key, node) if rest else NOTHING
            return found | self.unknown(node, self.everything())
        return super().load_item(value, key, node)

    def load_name_global(self, name: str, node: ast.AST) -> Value:
        outer, self.scope = self.scope, self.user
        try:
            return naming.load_name(self, name, node)
        finally:
            self.scope = outer

    def store_item(self, target: Value, key: Value, value: Value, node: ast.AST) -> None:
        if any(obj.kind == "globals" for obj in target):
            name = self.literal(key)
            if isinstance(name, str):
                self.bind_user(name, value)
            else:
                unseen.run_unknown(self, "`globals()` written with a computed name", node)
            return
        super().store_item(target, key, value, node)

    def load_attribute(self, value: Value, name: str, node: ast.AST) -> Value:
        if name == "user_ns" and any(obj.path == "ipython" for obj in value):
            return self.globals_object()
        if any(obj.kind == "super" for obj in value):
            owners = frozenset(item for obj in value for item in obj.inner)
            found = frozenset().union(*(classes.lookup(obj.bases, name) for obj in value))
            return found | owners
        return super().load_attribute(value, name, node)

    def store_attribute(self, target: Value, name: str, value: Value, node: ast.AST) -> None:
        if self.is_main(target):
            self.bind_user(name, value)
            return
        super().store_attribute(target, name, value, node)


HANDLERS: dict[str, Callable[[Special, Args, ast.AST], Value | None]] = {
    "builtins.eval": dynamic.call_eval,
    "builtins.exec": dynamic.call_exec,
    "builtins.globals": namespace.call_globals,
    "builtins.locals": namespace.call_globals,
    "builtins.vars": namespace.call_globals,
    "builtins.dir": namespace.call_dir,
    "builtins.getattr": introspection.call_getattr,
    "builtins.setattr": introspection.call_setattr,
    "builtins.delattr": introspection.call_setattr,
    "builtins.hasattr": introspection.call_hasattr,
    "builtins.super": introspection.call_super,
    "builtins.id": introspection.call_id,
    "weakref.finalize": introspection.call_finalize,
    "builtins.print": introspection.call_print,
    "pickle.loads": introspection.call_unpickle,
    "cloudpickle.loads": introspection.call_unpickle,
    "dill.loads": introspection.call_unpickle,
    "builtins.open": files.call_open,
    "builtins.isinstance": introspection.call_isinstance,
    "builtins.issubclass": introspection.call_isinstance,
    "builtins.type": introspection.call_type,
    "builtins.compile": dynamic.call_compile,
    "builtins.__import__": dynamic.call_import,
    "importlib.import_module": dynamic.call_import,
    "importlib.reload": dynamic.call_reload,
    "pandas.eval": dynamic.call_frame_eval,
    "numpy.load": files.call_load,
    "builtins.get_ipython": ipython.call_get_ipython,
    "IPython.get_ipython": ipython.call_get_ipython,
    "builtins.display": process.call_display,
}
