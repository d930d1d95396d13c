"""matplotlib and seaborn. The inline backend closes a cell's figures when the cell ends."""

from jupyter_mlplat.compiler.effects import table

FUNCTIONS = table("""
matplotlib.pyplot: subplots | = pair:figure
matplotlib.pyplot: figure gcf | = figure
matplotlib.pyplot: subplot axes gca subplot2grid twinx twiny | = axes
matplotlib.pyplot: savefig imsave | write = none
matplotlib.pyplot: imread | read = ndarray
matplotlib.pyplot: rc rcdefaults switch_backend ion ioff xkcd set_cmap | settings = none
matplotlib.pyplot: style.use | settings = none
matplotlib.pyplot: rcParams.update | settings = none
matplotlib.pyplot: rc_context style.context | = connection
matplotlib: use rc rcdefaults style.use rcParams.update | settings = none
matplotlib: rc_context style.context | = connection
matplotlib.style: use | settings = none
matplotlib.style: context | = connection
matplotlib_inline.backend_inline: set_matplotlib_formats | settings = none
IPython.display: set_matplotlib_formats | settings = none
seaborn: set set_theme set_style set_palette set_context reset_defaults set_color_codes | settings = none
seaborn: load_dataset | read = frame
seaborn: axes_style plotting_context color_palette | = hold:connection
seaborn: pairplot jointplot relplot catplot displot lmplot clustermap FacetGrid PairGrid | call rng = grid
seaborn: pointplot barplot lineplot regplot | rng = axes
""")

METHODS = table("""
figure: savefig | write own = none
figure: add_subplot add_axes gca subplots | own = alias
figure: show | own = none
axes: get_figure | = alias
grid: savefig | write own = none
""")

ATTRIBUTES = table("""
figure: axes | = alias
axes: figure | = alias
""")

DEFAULTS = {
    "matplotlib": "= hold:unknown",
    "matplotlib.pyplot": "= axes",
    "matplotlib.cm": "= imm",
    "matplotlib.colors": "= hold:unknown",
    "matplotlib.dates": "= hold:unknown",
    "matplotlib.ticker": "call = hold:unknown",
    "seaborn": "= axes",
    "mpl_toolkits": "= hold:unknown",
}

METHOD_DEFAULTS = {
    "figure": "own store call = alias",
    "axes": "own store call = alias",
    "grid": "own store call = alias",
}
