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

METHODS = table(
    """
ndarray: fill put partition resize setflags setfield itemset byteswap | deep = alias
ndarray: sort | deep = none
ndarray: copy astype_ round clip cumsum cumprod dot mean sum std var min max argmax argmin | = ndarray
ndarray: argsort nonzero prod all any repeat searchsorted ptp trace take compress conj flatten | = ndarray
ndarray: tolist | = like:list
ndarray: item tobytes | = imm
ndarray: tofile dump | write = none
ndarray: rvs | rng = ndarray  # a frozen distribution of scipy draws from the global generator
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
