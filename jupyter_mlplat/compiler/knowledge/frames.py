"""pandas."""

from jupyter_mlplat.compiler.effects import table

FUNCTIONS = table(
    """
pandas: DataFrame | = hold:frame
pandas: Series | = hold:series
pandas: Index MultiIndex RangeIndex DatetimeIndex CategoricalIndex date_range period_range | = index
pandas: bdate_range timedelta_range interval_range | = index
pandas: Timestamp Timedelta Period Interval to_timedelta | = imm
pandas: MultiIndex.from_tuples MultiIndex.from_product MultiIndex.from_arrays | = index
pandas: read_csv read_excel read_json read_parquet read_pickle read_table read_feather | read consume = frame
pandas: read_html read_sql read_sql_query read_sql_table read_hdf read_fwf read_stata | read consume = frame
pandas: concat merge merge_asof merge_ordered get_dummies melt pivot pivot_table crosstab | call = frame
pandas: wide_to_long json_normalize from_dummies | = frame
pandas: cut qcut to_datetime to_numeric factorize unique value_counts isna isnull notna | = hold:series
pandas: set_option reset_option options.display | settings = none
pandas: option_context | = connection
pandas: get_option describe_option show_versions | = imm
pandas: ExcelWriter HDFStore ExcelFile | read write = file
pandas: Categorical array | = hold:series
pandas: eval | deep store eval_ = hold:frame
pandas: Grouper NamedAgg | = hold:unknown
pandas.plotting: scatter_matrix parallel_coordinates autocorrelation_plot lag_plot | = axes
pandas.plotting: register_matplotlib_converters | settings = none
pandas.api.types: is_numeric_dtype is_string_dtype is_datetime64_any_dtype is_categorical_dtype | = imm
""".replace(" eval_", "")
)

_BOTH = """
KIND: abs add agg_ all any asof asfreq astype at_time between_time bfill clip combine_first | = KIND
KIND: corr cov count cummax cummin cumprod cumsum describe diff div divide dot drop_duplicates | = KIND
KIND: drop dropna duplicated eq ewm_ explode ffill fillna floordiv ge gt interpolate isin isna isnull | = KIND
KIND: kurt kurtosis le lt mad max mean median min mod mode mul multiply ne nlargest notna notnull | = KIND
KIND: nsmallest nunique pct_change pow prod product quantile rank rdiv rename_ replace reset_index | = KIND
KIND: round rpow rsub sem shift skew sort_index sort_values std sub subtract sum tail_ tz_convert | = KIND
KIND: tz_localize truediv truncate unstack value_counts var where mask rename rename_axis set_axis | = KIND
KIND: copy unique between argsort nonzero divmod searchsorted repeat reindex_like add_prefix | = KIND
KIND: add_suffix convert_dtypes infer_objects idxmax idxmin | = KIND
KIND: reindex align set_index take first last swaplevel droplevel squeeze xs head tail truncate filter | = view:KIND
KIND: transpose swapaxes get nlevels to_frame | = view:frame
KIND: sample | rng = KIND
KIND: pop | mut = view:series
KIND: insert update | deep = none
KIND: to_numpy | = view:ndarray
KIND: to_dict | = dict
KIND: to_list tolist | = list
KIND: to_string to_json to_html to_markdown to_latex to_records to_csv_ equals memory_usage info | = imm
KIND: to_csv to_excel to_parquet to_pickle to_feather to_hdf to_sql to_stata to_xml | write consume = imm
KIND: to_clipboard | write = none
KIND: apply applymap map transform agg aggregate | call = KIND
KIND: pipe | call = hold:unknown
KIND: groupby rolling expanding resample ewm | = view:group  # which looks at the frame itself
KIND: items iterrows itertuples iteritems | = view:iterator
KIND: keys isetitem_ | = imm
KIND: isetitem | deep = none
KIND: plot hist boxplot | = axes
KIND: str dt cat sparse | = alias
"""

WITH_INPLACE = frozenset(
    {"bfill", "clip", "drop", "drop_duplicates", "dropna", "eval", "ffill", "fillna", "interpolate"}
    | {"mask", "query", "rename", "rename_axis", "replace", "reset_index", "set_index"}
    | {"sort_index", "sort_values", "where"}
)
"""Methods that take `inplace=`."""

METHODS = {
    **table(_BOTH.replace("KIND", "frame")),
    **table(_BOTH.replace("KIND", "series")),
    **table(
        """
frame: merge join append assign pivot pivot_table melt stack corrwith nsmallest insert_ | call = frame
frame: select_dtypes select | = frame
frame: query eval | deep store = frame
frame: value_counts idxmax idxmin nunique | = series
frame: style | = view:unknown
series: str.split | = frame
series: item | = imm
series: append | = series
series: upper lower strip lstrip rstrip contains startswith endswith len extract extractall split | call = series
series: join zfill slice pad findall match fullmatch normalize floor ceil day_name month_name | call = series
series: strftime total_seconds to_period to_timestamp title capitalize cat get_dummies | = series
series: set_categories add_categories remove_categories rename_categories as_ordered | = series
series: remove_unused_categories reorder_categories to_pydatetime isocalendar | = series
group: agg aggregate apply transform filter pipe | call = frame
group: mean sum count size min max median std var first last nunique describe cumsum cumcount | = frame
group: head tail nth rank shift diff ngroup quantile prod sem skew idxmax idxmin ohlc fillna | = frame
group: ffill bfill pct_change value_counts corr cov cov unique interpolate asfreq any all | = frame
group: cummax cummin cumprod nlargest nsmallest tolist | = frame
group: get_group | = view:frame
group: sample | rng = frame
group: plot hist boxplot | = axes
index: tolist to_list | = list
""".replace("insert_", "").replace(" cov cov", " cov")
    ),
}

ATTRIBUTES = table("""
frame: shape size ndim dtypes empty nbytes | = imm
frame: columns index axes | = view:index
frame: values | = view:ndarray
frame: T | = view:frame
frame: loc iloc at iat | = alias
frame: plot | = plotter
frame: attrs | = alias
series: index | = view:index
series: shape size ndim dtype name empty nbytes is_unique is_monotonic_increasing | = imm
series: values array | = view:ndarray
series: T loc iloc at iat str dt cat | = alias
series: hasnans is_monotonic_decreasing year month day hour minute second dayofweek weekday | = imm
series: quarter dayofyear date time days seconds codes categories | = imm
series: plot | = plotter
group: groups indices ngroups | = imm
group: plot | = plotter
""")

DEFAULTS = {
    "pandas.api": "= imm",
    "pandas.testing": "= none",
    "pandas.tseries": "= imm",
    "pandas.offsets": "= imm",
}

METHOD_DEFAULTS = {
    "plotter": "= axes",
    "index": "= imm",
}
