"""Calls that a table entry cannot describe: dynamic code, reflection, files, magics."""

import ast
from textwrap import dedent

from jupyter_mlplat.compiler.expressions import Expressions
from jupyter_mlplat.compiler.heap import NOTHING, Obj, Value
from jupyter_mlplat.compiler.normalise import names_expanded, normalise
from jupyter_mlplat.compiler.recorder import Args

IDENTITY_DECORATORS = frozenset(
    {"abc.abstractmethod", "builtins.staticmethod", "builtins.classmethod", "builtins.property"}
    | {"functools.cached_property", "functools.wraps", "functools.total_ordering"}
    | {"contextlib.contextmanager", "typing.overload", "typing.final", "typing.no_type_check"}
    | {"dataclasses.dataclass", "enum.unique", "typing.runtime_checkable", "functools.cache"}
    | {"functools.lru_cache", "contextlib.asynccontextmanager", "numba.jit", "numba.njit"}
)
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


class Special(Expressions):
    """Follows the calls that look at or change the notebook itself."""

    def call_special(self, path: str, args: Args, node: ast.AST) -> Value | None:
        handler = {
            "builtins.eval": self._call_eval,
            "builtins.exec": self._call_exec,
            "builtins.globals": self._call_globals,
            "builtins.locals": self._call_globals,
            "builtins.vars": self._call_globals,
            "builtins.dir": self._call_dir,
            "builtins.getattr": self._call_getattr,
            "builtins.setattr": self._call_setattr,
            "builtins.delattr": self._call_setattr,
            "builtins.hasattr": self._call_hasattr,
            "builtins.super": self._call_super,
            "builtins.open": self._call_open,
            "builtins.isinstance": self._call_isinstance,
            "builtins.issubclass": self._call_isinstance,
            "builtins.type": self._call_type,
            "builtins.compile": self._call_compile,
            "builtins.__import__": self._call_import,
            "importlib.import_module": self._call_import,
            "importlib.reload": self._call_reload,
            "pandas.eval": self._call_frame_eval,
            "builtins.get_ipython": self._call_get_ipython,
            "IPython.get_ipython": self._call_get_ipython,
        }.get(path)
        if handler is not None:
            return handler(args, node)
        if path.startswith("ipython."):
            return self._call_shell(path.removeprefix("ipython."), args, node)
        if path.startswith("__main__") or path.endswith(".user_ns"):
            return self.run_unknown(f"`{path}`", node)
        if (
            path.startswith("sklearn.datasets.load_")
            and self.literal(args.at(0, "as_frame")) is True
        ):
            return self.fresh("frames", node)
        if path in IDENTITY_DECORATORS and args.positional:
            return args.positional[0]
        return None

    # -- dynamic code --------------------------------------------------------------------------

    def _code_of(self, args: Args, mode: str) -> ast.AST | None:
        text = self.literal(args.at(0, "source"))
        if not isinstance(text, str):
            return None
        try:
            return ast.parse(dedent(text).strip(), mode=mode)
        except (SyntaxError, ValueError, RecursionError):
            return None

    def _call_eval(self, args: Args, node: ast.AST) -> Value:
        tree = self._code_of(args, "eval")
        if isinstance(tree, ast.Expression) and len(args.positional) == 1:
            self.keep(tree)
            return self.evaluate(tree.body)
        if len(args.positional) > 1 and not self._may_be_namespace(args):
            self.call_unknown(args, node, None, "evaluates an expression")
            return self.unknown(node, args.all)
        return self.run_unknown("`eval` of a computed expression", node)

    def _call_exec(self, args: Args, node: ast.AST) -> Value:
        tree = self._code_of(args, "exec")
        if isinstance(tree, ast.Module) and len(args.positional) == 1 and self.scope.is_global:
            self.keep(tree)
            self.run_body(tree.body)
            return self.none
        if len(args.positional) > 1 and not self._may_be_namespace(args):
            return self.call_unknown(args, node, None, "executes code")
        return self.run_unknown("`exec` of computed code", node)

    def _may_be_namespace(self, args: Args) -> bool:
        """Tell whether explicit namespaces may be the notebook's own."""
        return any(obj.kind not in ("dict", "none") for obj in args.at(1) | args.at(2))

    def _call_compile(self, args: Args, node: ast.AST) -> Value:
        return self.unknown(node, args.all)

    def keep(self, tree: ast.AST) -> None:
        """Keep a syntax tree alive: objects are keyed by the identity of its nodes."""
        self._kept.append(tree)

    _kept: list[ast.AST] = []  # noqa: RUF012  (replaced per machine)

    def _call_globals(self, args: Args, node: ast.AST) -> Value:
        if args.positional:
            objects = args.positional[0]
            if not any(obj.path == "__main__" for obj in objects):
                return frozenset().union(*({obj, *obj.inner} for obj in objects))
        elif self.frames and not self.scope.is_global and self._is_locals(node):
            held: set[Obj] = set()
            for value in self.scope.names.values():
                held |= value
            return self.fresh("dict", node, held - {self.heap.unbound})
        return frozenset({self.heap.make("globals", "globals")})

    def _is_locals(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("locals", "vars")

    def _call_dir(self, args: Args, node: ast.AST) -> Value:
        if not args.positional:
            self.read_everything("lists all names")
        return self.fresh("list", node, self.heap.plain("str"))

    def read_everything(self, why: str) -> None:
        self.ask(why, "It depends on all names bound so far.")
        for name in list(self.user.names):
            if not name.startswith("@"):
                self.read_user(name)

    def run_unknown(self, what: str, node: ast.AST) -> Value:
        """Follow code that cannot be seen: it may read, bind and change anything."""
        if self.hints.reads is not None and self.hints.writes is not None:
            self.run_declared()
            return self.unknown(node, self.opaque_value())
        self.facts.is_opaque = self.hints.writes is None
        self.ask(what, "It may read, rebind and change any name: all of them pass through it.")
        self.become_opaque()
        return self.unknown(node, self.opaque_value())

    def opaque_value(self) -> Value:
        return frozenset({self.heap.make("unknown", ("opaque", self.heap.cell))})

    def run_declared(self) -> None:
        """Trust `# mlplat: in=… out=…`: it reads and changes these names and no others."""
        made = self.opaque_value()
        for name in (*(self.hints.reads or ()), *(self.hints.writes or ())):
            if name in self.user.names:
                self.heap.hold(next(iter(made)), self.read_user(name) or NOTHING)
        for name in self.hints.writes or ():
            value = self.user.names.get(name, NOTHING)
            self.change_deep(value, "is declared to change it")
            self.bind_user(name, value | made)

    def become_opaque(self) -> None:
        """Let every name be read, perhaps rebound, and changed."""
        names = [name for name in self.user.names if not name.startswith("@")]
        everything = frozenset().union(*(self.user.names[name] for name in names))
        made = self.opaque_value()
        for obj in made:
            self.heap.hold(obj, everything - {self.heap.unbound})
        for name in names:
            self.read_user(name)
            self.facts.binds.setdefault(name, False)
            self.user.names[name] = self.user.names[name] | made
            self.user.sure.discard(name)
            self.replayed.discard(name)
        self.change_deep(everything, "runs code that cannot be seen", assumed=True)
        self.change(
            (o for o in everything if o.kind in ("class", "function")), "unseen code", assumed=True
        )
        self.tick += 1
        self.heap.epoch += 1
        self.was_opaque = True
        self.trace.other = True
        for channel in ("@env", "@cwd"):
            self.use_channel(channel, "runs code that cannot be seen")
        self.use_rng_maybe()
        self.use_files(writes=True)

    # -- reflection ----------------------------------------------------------------------------

    def _call_getattr(self, args: Args, node: ast.AST) -> Value:
        name = self.literal(args.at(1))
        default = args.positional[2] if len(args.positional) > 2 else NOTHING
        if isinstance(name, str):
            return self.load_attribute(args.at(0), name, node) | default
        found: set[Obj] = set(default)
        for obj in args.at(0):
            found |= {obj, *obj.inner}
            for cls in obj.bases if obj.kind == "instance" else ():
                for item_name in self.methods((cls,)):
                    found |= self.bound(obj, item_name)
        return frozenset(found) or self.unknown(node, args.all)

    def _call_hasattr(self, args: Args, node: ast.AST) -> Value:
        return self.heap.plain("bool")

    def _call_setattr(self, args: Args, node: ast.AST) -> Value:
        name = self.literal(args.at(1))
        value = args.at(2) or self.plain
        self.store_attribute(args.at(0), name if isinstance(name, str) else "*", value, node)
        if not isinstance(name, str):
            for obj in args.at(0):
                obj.open = True
        return self.none

    def _call_super(self, args: Args, node: ast.AST) -> Value:
        for frame in reversed(self.frames):
            code = frame.node
            if isinstance(code, ast.FunctionDef | ast.AsyncFunctionDef) and code.args.args:
                own = frame.params.get(code.args.args[0].arg, NOTHING)
                return self._parent_view(own, node)
        return self.unknown(node, args.all)

    def _parent_view(self, own: Value, node: ast.AST) -> Value:
        """Return the object itself, methods looked up from the bases of its class on."""
        found: set[Obj] = set()
        for obj in own:
            if obj.kind == "instance":
                bases = tuple(base for cls in obj.bases for base in cls.bases)
                proxy = self.heap.make("super", (obj.bit,), [obj])
                proxy.bases = bases
                found.add(proxy)
            else:
                found.add(obj)
        return frozenset(found) or self.unknown(node, own)

    def call_method(self, obj: Obj, name: str, args: Args, node: ast.AST) -> Value:
        if obj.kind == "super":
            return self._call_super_method(obj, name, args, node)
        if obj.kind == "globals":
            return self._call_on_globals(name, args, node)
        if obj.kind == "frame" and name in ("query", "eval"):
            self._read_query_names(args)
        return super().call_method(obj, name, args, node)

    def _call_super_method(self, obj: Obj, name: str, args: Args, node: ast.AST) -> Value:
        (own,) = obj.inner
        found: set[Obj] = set()
        for item in self.class_lookup(obj.bases, name):
            if item.kind == "function":
                passed = Args([frozenset({own}), *args.positional], args.keywords, args.spread)
                found |= self.call_function(item, passed, node, receiver=own)
        if self.has_unknown_base(obj.bases):
            if name in ("__init__", "__new__", "__post_init__"):
                self.heap.hold(own, args.all)
                self.change([own], "initialises it")
            else:
                found |= self.call_unknown(args, node, own, f"calls .{name}()")
        if name == "__setattr__":
            key = self.literal(args.at(0))
            self.heap.set_attribute(own, str(key), args.at(1))
            self.change([own], "sets an attribute")
        if name == "__new__":
            found.add(own)
        return frozenset(found) or self.plain

    def _call_isinstance(self, args: Args, node: ast.AST) -> Value:
        return self.heap.plain("bool")

    def _call_type(self, args: Args, node: ast.AST) -> Value:
        if len(args.positional) == 1:
            found: set[Obj] = set()
            for obj in args.positional[0]:
                found |= set(obj.bases) if obj.kind == "instance" else self.plain
            return frozenset(found)
        made = self.heap.make("class", self.key(node), args.all)
        made.open = True
        made.bases = tuple(args.at(1) and self.elements(args.at(1), node))
        return frozenset({made})

    def _call_import(self, args: Args, node: ast.AST) -> Value:
        name = self.literal(args.at(0))
        if isinstance(name, str) and name and not name.startswith("."):
            return frozenset({self.load_module(name, node)})
        return self.unknown(node)

    def _call_reload(self, args: Args, node: ast.AST) -> Value:
        for obj in args.at(0):
            self.patch(obj)
        return args.at(0)

    # -- globals() -----------------------------------------------------------------------------

    def load_item(self, value: Value, key: Value, node: ast.AST) -> Value:
        if any(obj.kind == "globals" for obj in value):
            name = self.literal(key)
            if isinstance(name, str):
                return self.load_name_global(name, node)
            self.read_everything("`globals()` with a computed name")
            return self.unknown(node, frozenset().union(*self.user.names.values()))
        return super().load_item(value, key, node)

    def load_name_global(self, name: str, node: ast.AST) -> Value:
        outer, self.scope = self.scope, self.user
        try:
            return self.load_name(name, node)
        finally:
            self.scope = outer

    def store_item(self, target: Value, key: Value, value: Value, node: ast.AST) -> None:
        if any(obj.kind == "globals" for obj in target):
            name = self.literal(key)
            if isinstance(name, str):
                self.bind_user(name, value)
            else:
                self.run_unknown("`globals()` written with a computed name", node)
            return
        super().store_item(target, key, value, node)

    def _call_on_globals(self, name: str, args: Args, node: ast.AST) -> Value:
        key = self.literal(args.at(0))
        match name:
            case "get" | "__getitem__" if isinstance(key, str):
                with self.uncertain():
                    value = self.read_user(key)
                return (value or NOTHING) - {self.heap.unbound} | args.at(1) or self.none
            case "setdefault" | "__setitem__" if isinstance(key, str):
                self.bind_user(key, args.at(1))
                return self.none
            case "update" if not args.positional and not args.spread:
                for item, value in args.keywords.items():
                    self.bind_user(item, value)
                return self.none
            case "keys" | "items" | "values" | "copy" | "__contains__":
                self.read_everything(f"`globals().{name}()`")
                return self.unknown(node, frozenset().union(*self.user.names.values()))
        return self.run_unknown(f"`globals().{name}()`", node)

    # -- files and frames ----------------------------------------------------------------------

    def _call_open(self, args: Args, node: ast.AST) -> Value:
        path = self.literal(args.at(0, "file"))
        mode = self.literal(args.at(1, "mode")) if args.at(1, "mode") else "r"
        writes = not isinstance(mode, str) or any(letter in mode for letter in "wax+")
        self.use_files(writes=writes, path=path if isinstance(path, str) else None)
        return self.fresh("file", node)

    def _read_query_names(self, args: Args) -> None:
        """Read the `@name` of a query string."""
        text = self.literal(args.at(0, "expr"))
        if not isinstance(text, str):
            self.read_everything("a query string that is computed")
            return
        for part in text.split("@")[1:]:
            name = ""
            for letter in part:
                if not (letter.isalnum() or letter == "_"):
                    break
                name += letter
            if name.isidentifier():
                self.load_name(name, ast.Name(id=name))

    def _call_frame_eval(self, args: Args, node: ast.AST) -> Value:
        tree = self._code_of(args, "eval")
        if isinstance(tree, ast.Expression):
            self._read_query_names(args)
            self.keep(tree)
            return self.evaluate(tree.body) | self.fresh("series", node)
        self.read_everything("`pd.eval` of a computed expression")
        return self.unknown(node, args.all)

    # -- magics --------------------------------------------------------------------------------

    def _call_get_ipython(self, args: Args, node: ast.AST) -> Value:
        return self.external("ipython")

    def _call_shell(self, name: str, args: Args, node: ast.AST) -> Value:
        text = self.literal(args.at(0))
        match name:
            case "run_line_magic" | "magic":
                if name == "magic":
                    word, _, rest = str(text or "").partition(" ")
                    return self.run_magic(word, rest, node)
                line = self.literal(args.at(1))
                return self.run_magic(str(text), line if isinstance(line, str) else None, node)
            case "system" | "getoutput" | "system_raw" | "system_piped":
                self.run_shell(text if isinstance(text, str) else None)
                self.bind_user("_exit_code", self.plain)
                return self.fresh("list", node, self.heap.plain("str"))
            case "run_cell_magic":
                body = self.literal(args.at(2))
                line = self.literal(args.at(1))
                return self.run_cell_magic(str(text), str(line or ""), str(body or ""), node)
            case "run_cell" | "ex":
                return self._call_exec(args, node)
            case "set_next_input" | "config" | "enable_matplotlib" | "enable_gui":
                self.trace.settings = True
                return self.none
        if name in ("user_ns", "user_global_ns"):
            return frozenset({self.heap.make("globals", "globals")})
        if name.startswith(("user_ns", "push", "reset", "ev")):
            return self.run_unknown(f"`get_ipython().{name}`", node)
        self.trace.patches = name.startswith(("events", "set_custom", "register"))
        return self.plain

    def load_attribute(self, value: Value, name: str, node: ast.AST) -> Value:
        if name == "user_ns" and any(obj.path == "ipython" for obj in value):
            return frozenset({self.heap.make("globals", "globals")})
        if any(obj.path == "__main__" for obj in value):
            return self.load_name_global(name, node)
        if any(obj.kind == "super" for obj in value):
            owners = frozenset(item for obj in value for item in obj.inner)
            found = frozenset().union(*(self.class_lookup(obj.bases, name) for obj in value))
            return found | owners
        return super().load_attribute(value, name, node)

    def store_attribute(self, target: Value, name: str, value: Value, node: ast.AST) -> None:
        if any(obj.path == "__main__" for obj in target):
            self.bind_user(name, value)
            return
        super().store_attribute(target, name, value, node)

    def expand(self, text: str) -> None:
        """Read the names that IPython puts into a magic or shell line."""
        for expression in names_expanded(text):
            self.keep(expression)
            names = [item.id for item in ast.walk(expression) if isinstance(item, ast.Name)]
            if all(name in self.user.names for name in names):
                with self.uncertain():
                    self.evaluate(expression)

    def run_shell(self, text: str | None) -> None:
        self.expand(text or "")
        self.use_files(writes=False)
        self.use_files(writes=True)
        self.read_user("@env")
        self.read_user("@cwd")

    def run_magic(self, name: str, line: str | None, node: ast.AST) -> Value:
        """Follow a line magic."""
        text = line or ""
        if name in ("time", "timeit", "prun", "memit") or name.startswith("%"):
            return self._run_statement_magic(name, text, node)
        if name not in ("env", "set_env"):
            self.expand(text)
        if name in _SETUP_MAGICS:
            self.trace.settings = True
            if name == "matplotlib" and not text.strip().startswith(("inline", "--list")) and text:
                self.facts.unknown.append(
                    (self.line, f"%matplotlib {text}", "Figures stay open from cell to cell.")
                )
            return self.none
        if name in _HELP_MAGICS:
            about = text.strip().partition(".")[0]
            if about in self.user.names:
                self.read_user(about)
            return self.none
        if name in _QUIET_MAGICS:
            return self.plain
        if name in _NAMESPACE_MAGICS:
            self.facts.from_start = True
            return self.fresh("list", node)
        if name in _HISTORY_MAGICS:
            self.facts.from_start = True
            return self.plain
        return self._run_effect_magic(name, text, node)

    def _run_effect_magic(self, name: str, text: str, node: ast.AST) -> Value:
        match name:
            case "env" | "set_env":
                if "=" in text or len(text.split()) > 1:
                    self.expand(text.partition("=")[2] or text)
                    self.trace.env = True
                else:
                    self.read_user("@env")
                return self.plain
            case "cd" | "pushd" | "popd" | "bookmark":
                self.trace.cwd = True
                self.use_files(writes=False)  # the folder may have been made by a cell
                return self.plain
            case "pwd" | "dirs" | "dhist":
                self.read_user("@cwd")
                return self.plain
            case "pip" | "conda" | "mamba" | "uv" | "sx" | "system" | "sc" | "ls" | "ll" | "cat":
                self.run_shell(text)
                return self.fresh("list", node, self.heap.plain("str"))
            case "mkdir" | "rm" | "cp" | "mv" | "rmdir" | "lf" | "lk" | "ldir" | "lx" | "less":
                self.run_shell(text)
                return self.plain
            case "writefile":
                self.use_files(writes=True)
                return self.plain
            case "pylab":
                self.has_star = True
                self.trace.settings = True
                return self.none
        return self.run_unknown(f"the magic %{name}", node)

    def _run_statement_magic(self, name: str, text: str, node: ast.AST) -> Value:
        code = text.strip()
        while code.startswith("-"):
            option, _, rest = code.partition(" ")
            takes_value = option in ("-n", "-r", "-s", "-l", "-T", "-D", "-p", "-c", "-i", "-t")
            code = rest.strip().partition(" ")[2] if takes_value else rest.strip()
        if not code:
            return self.none
        normal = normalise(code)
        if normal.tree is None:
            return self.run_unknown(f"%{name} {text}", node)
        self.keep(normal.tree)
        if name == "timeit":
            return self.run_own_scope(normal.tree, node)
        self.run_body(normal.tree.body)
        last = normal.tree.body[-1]
        return self.evaluate(last.value) if isinstance(last, ast.Expr) else self.plain

    def run_own_scope(self, tree: ast.Module, node: ast.AST) -> Value:
        """Follow code whose own names vanish when it ends (`%timeit`)."""
        body = tree.body or [ast.Pass()]
        code = ast.FunctionDef(
            name="<timeit>",
            args=ast.arguments([], [], None, [], [], None, []),
            body=body,
            decorator_list=[],
        )
        self.keep(code)
        function = self.heap.make("function", self.key(node, "timeit"))
        function.node = code
        function.scope = self.user
        self.enter(function, code, Args(), node)
        return self.plain

    def run_cell_magic(self, name: str, line: str, body: str, node: ast.AST) -> Value:
        """Follow a cell magic (see `Magics`)."""
        raise NotImplementedError
