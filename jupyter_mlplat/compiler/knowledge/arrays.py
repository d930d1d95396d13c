"""numpy and scipy."""

from jupyter_mlplat.compiler.effects import table

FUNCTIONS = table("""
numpy: zeros ones empty full arange linspace logspace geomspace eye identity tri indices | = ndarray
numpy: zeros_like ones_like empty_like full_like random.rand_ copy array meshgrid | = ndarray
numpy: concatenate vstack hstack stack column_stack dstack row_stack tile repeat append insert | = ndarray
numpy: delete where_ sort argsort argmax argmin nonzero argwhere searchsorted unique cumsum | = ndarray
numpy: cumprod diff gradient outer inner dot matmul cross kron add subtract multiply divide | = ndarray
numpy: power sqrt exp log log2 log10 log1p expm1 sin cos tan arcsin arccos arctan arctan2 tanh | = ndarray
numpy: sinh cosh abs absolute sign floor ceil round rint clip maximum minimum isnan isinf | = ndarray
numpy: isfinite logical_and logical_or logical_not logical_xor equal not_equal greater less | = ndarray
numpy: where select choose histogram histogram2d histogramdd bincount digitize interp polyfit | = ndarray
numpy: polyval percentile quantile median mean average std var sum prod min max amin amax nanmean | = ndarray
numpy: nansum nanstd nanmin nanmax nanmedian cov corrcoef fromiter frombuffer_ fromstring loadtxt | consume call = ndarray
numpy: all any allclose isclose array_equal ndim size shape count_nonzero isscalar may_share_memory | = imm
numpy: float64 float32 float16 int64 int32 int16 int8 uint8 uint16 uint32 uint64 bool_ datetime64 | = imm
numpy: dtype iinfo finfo timedelta64 trapezoid trapz square floor_divide mod remainder fmod | = imm
numpy: apply_along_axis apply_over_axes vectorize fromfunction piecewise frompyfunc | call = hold:ndarray
numpy: asarray asanyarray ascontiguousarray ravel reshape transpose squeeze expand_dims swapaxes | = hold:ndarray
numpy: copyto put place putmask fill_diagonal put_along_axis | mut = none
numpy: load | read = ndarray
numpy: loadtxt genfromtxt fromfile | read = ndarray
numpy: save savetxt savez savez_compressed | write = none
numpy: set_printoptions seterr setbufsize set_string_function seterrcall | settings = imm
numpy: printoptions errstate | = connection
numpy: memmap | read write = hold:file
numpy: nditer ndenumerate | = hold:iterator
numpy.random: seed | seed = none
numpy.random: set_state | seed = none
numpy.random: default_rng | = rng
numpy.random: Generator PCG64 Philox SFC64 MT19937 SeedSequence RandomState | = hold:rng
numpy.random: shuffle | mut rng = none
scipy.stats: norm.rvs | rng = ndarray
scipy.sparse: csr_matrix csc_matrix coo_matrix lil_matrix dok_matrix hstack vstack diags eye | = hold:ndarray
scipy.integrate: odeint solve_ivp quad dblquad | call = hold:ndarray
scipy.optimize: minimize curve_fit root fsolve brentq differential_evolution basinhopping | call rng = hold:ndarray
scipy.optimize: minimize_scalar least_squares linprog | call = hold:ndarray
scipy.io: loadmat | read = hold:unknown
scipy.io: savemat | write = none
""")

UNARY = frozenset(
    {"abs", "absolute", "arccos", "arcsin", "arctan", "cbrt", "ceil", "conj", "cos", "cosh"}
    | {"deg2rad", "exp", "exp2", "expm1", "fabs", "floor", "invert", "isfinite", "isinf", "isnan"}
    | {"log", "log10", "log1p", "log2", "logical_not", "negative", "positive", "rad2deg", "rint"}
    | {"reciprocal", "sign", "sin", "sinh", "sqrt", "square", "tan", "tanh", "trunc"}
)
BINARY = frozenset(
    {"add", "arctan2", "bitwise_and", "bitwise_or", "bitwise_xor", "copysign", "divide", "equal"}
    | {"float_power", "floor_divide", "fmax", "fmin", "fmod", "greater", "greater_equal", "hypot"}
    | {"left_shift", "less", "less_equal", "logaddexp", "logical_and", "logical_or", "logical_xor"}
    | {"matmul", "maximum", "minimum", "mod", "multiply", "not_equal", "power", "remainder"}
    | {"right_shift", "subtract", "true_divide"}
)
OUT_PLACES = {
    **dict.fromkeys((f"numpy.{name}" for name in UNARY), 1),
    **dict.fromkeys((f"numpy.{name}" for name in BINARY), 2),
    **{f"numpy.{name}": 2 for name in ("all", "amax", "amin", "any", "argmax", "argmin", "choose")},
    **{f"numpy.{name}": 2 for name in ("concatenate", "dot", "max", "min", "nanmax", "nanmin")},
    **{f"numpy.{name}": 2 for name in ("median", "nanmedian", "outer", "round", "around")},
    **{f"numpy.{name}": 3 for name in ("clip", "cumprod", "cumsum", "compress", "mean", "nansum")},
    **{f"numpy.{name}": 3 for name in ("percentile", "prod", "quantile", "std", "sum", "take")},
    **{f"numpy.{name}": 3 for name in ("nanmean", "nanstd", "nanvar", "var")},
    **{f"ndarray.{name}": 1 for name in ("all", "any", "argmax", "argmin", "dot", "max", "min")},
    **{f"ndarray.{name}": 2 for name in ("clip", "cumprod", "cumsum", "mean", "prod", "std")},
    **{f"ndarray.{name}": 2 for name in ("compress", "sum", "take", "var")},
    "ndarray.round": 1,
}
"""Where among the positional arguments `out` stands."""
_METHOD_PLACES = {"accumulate": 3, "at": 0, "reduce": 3, "reduceat": 4}
"""The same for what every ufunc has; `at` writes into what it is given first."""


def out_place(path: str) -> int | None:
    """Return the place of `out` among the positional arguments of a function or method."""
    owner, _, name = path.rpartition(".")
    if owner.rpartition(".")[2] in UNARY | BINARY and owner.startswith("numpy."):
        return _METHOD_PLACES.get(name)
    return OUT_PLACES.get(path)


METHODS = table(
    """
ndarray: fill put partition resize setflags setfield itemset byteswap | deep = alias
ndarray: sort | deep = none
ndarray: copy astype_ round clip cumsum cumprod dot mean sum std var min max argmax argmin | = ndarray
ndarray: argsort nonzero prod all any repeat searchsorted ptp trace take compress conj flatten | = ndarray
ndarray: tolist | = like:list
ndarray: item tobytes | = imm
ndarray: tofile dump | write = none
ndarray: rvs | deep rng = ndarray  # a frozen distribution draws from the global generator or its own
ndarray: toarray todense tocsr tocsc tocoo | = hold:ndarray
ndarray: multiply | = ndarray
rng: permutation choice integers random normal uniform standard_normal poisson binomial | mut = ndarray
rng: shuffle | mut args = none
""".replace("mut args", "deep store")
)

ATTRIBUTES = table("""
ndarray: shape size ndim dtype itemsize nbytes strides flags nnz | = imm
""")

DEFAULTS = {
    "numpy": "call = hold:ndarray",
    "numpy.random": "rng = ndarray",
    "numpy.linalg": "= hold:ndarray",
    "numpy.testing": "call = none",
    "numpy.ma": "= hold:ndarray",
    "numpy.lib": "= hold:ndarray",
    "scipy": "call = hold:ndarray",
    "scipy.stats": "call rng = hold:ndarray",
    "scipy.io": "read write = hold:unknown",
    "scipy.sparse.random": "rng = ndarray",
}

METHOD_DEFAULTS = {
    "ndarray": "= alias",
    "rng": "mut = ndarray",
}
