"""scikit-learn, joblib, and our own tracking."""

from jupyter_mlplat.compiler.effects import table

FUNCTIONS = table("""
sklearn.model_selection: train_test_split | rng = many:sample
sklearn.model_selection: cross_val_score cross_val_predict | rng methods = ndarray
sklearn.model_selection: cross_validate | rng methods = dict
sklearn.model_selection: learning_curve validation_curve | rng methods = many:ndarray
sklearn.base: clone | methods = estimator
sklearn.utils: shuffle resample | rng = many:sample
sklearn.datasets: make_classification make_regression make_blobs make_moons make_circles | rng = many:ndarray
sklearn.datasets: make_swiss_roll make_s_curve make_friedman1 make_gaussian_quantiles | rng = many:ndarray
sklearn.datasets: load_iris load_wine load_breast_cancer load_digits load_diabetes | = bunch
sklearn.datasets: fetch_california_housing fetch_openml fetch_20newsgroups fetch_lfw_people | read = bunch
sklearn.preprocessing: scale normalize minmax_scale robust_scale label_binarize binarize | = hold:ndarray
sklearn.preprocessing: power_transform quantile_transform maxabs_scale add_dummy_feature | rng = hold:ndarray
sklearn.pipeline: make_pipeline make_union | = hold:estimator
sklearn.compose: make_column_transformer make_column_selector | = hold:estimator
sklearn: set_config | settings = none
sklearn: config_context | = connection
sklearn: get_config show_versions | = imm
sklearn.inspection: permutation_importance partial_dependence | rng methods = hold:unknown
sklearn.inspection: DecisionBoundaryDisplay.from_estimator | = hold:axes
sklearn.metrics: ConfusionMatrixDisplay.from_predictions ConfusionMatrixDisplay.from_estimator | = hold:axes
sklearn.metrics: RocCurveDisplay.from_predictions RocCurveDisplay.from_estimator | = hold:axes
sklearn.metrics: make_scorer | = hold:callable
sklearn.metrics: roc_curve precision_recall_curve precision_recall_fscore_support | = many:ndarray
sklearn.tree: plot_tree | = list
sklearn.tree: export_text export_graphviz | = imm
joblib: dump | code identity write methods = list
joblib: load | code read = hold:unknown
cloudpickle: load | code unknown = any
dill: load | code unknown = any
joblib: Memory | write read = connection
jupyter_mlplat: log_metric log_model | call = none
jupyter_mlplat: log_artifact | read call = none
jupyter_mlplat.train: report | call = none
jupyter_mlplat.train: rank world_size should_stop | = imm
""")

METHODS = table("""
estimator: fit partial_fit set_params fit_resample | own store methods rng = self
estimator: fit_transform | own store methods rng = hold:ndarray
estimator: fit_predict | own store methods rng = ndarray
estimator: set_output | own = self
estimator: predict predict_proba predict_log_proba decision_function score_samples apply | methods rng = ndarray
estimator: transform inverse_transform | methods rng = hold:ndarray
estimator: score get_n_leaves get_depth | methods = imm
estimator: get_params | = like:dict
estimator: get_feature_names_out | = ndarray
estimator: kneighbors kneighbors_graph radius_neighbors staged_predict decision_path | = hold:ndarray
estimator: split | rng = hold:iterator
estimator: get_n_splits | = imm
estimator: sample | rng = many:ndarray
bunch: keys | = imm
frames: keys | = imm
""")

ATTRIBUTES = table(
    """
bunch: DESCR feature_names_ target_names_ filename | = imm
bunch: data target images frame | = member:ndarray
frames: DESCR feature_names_ target_names_ filename | = imm
frames: data frame | = view:frame
frames: target | = view:series
estimator: classes_ n_features_in_ n_iter_ intercept_ best_score_ feature_names_in_ | = view:ndarray
estimator: coef_ feature_importances_ cluster_centers_ labels_ components_ mean_ scale_ var_ | = view:ndarray
estimator: explained_variance_ratio_ explained_variance_ singular_values_ inertia_ best_index_ | = view:ndarray
estimator: cv_results_ best_params_ | = view:unknown
""".replace("member:ndarray", "view:ndarray")
)

DEFAULTS = {
    "sklearn.metrics": "call = ndarray",
    "sklearn.utils": "= hold:unknown",
    "sklearn.preprocessing": "= hold:estimator",
    "sklearn.impute": "= hold:estimator",
    "sklearn.compose": "= hold:estimator",
    "sklearn.pipeline": "= hold:estimator",
    "sklearn.linear_model": "= hold:estimator",
    "sklearn.tree": "= hold:estimator",
    "sklearn.ensemble": "= hold:estimator",
    "sklearn.svm": "= hold:estimator",
    "sklearn.neighbors": "= hold:estimator",
    "sklearn.naive_bayes": "= hold:estimator",
    "sklearn.neural_network": "= hold:estimator",
    "sklearn.cluster": "= hold:estimator",
    "sklearn.decomposition": "= hold:estimator",
    "sklearn.manifold": "= hold:estimator",
    "sklearn.discriminant_analysis": "= hold:estimator",
    "sklearn.gaussian_process": "= hold:estimator",
    "sklearn.feature_extraction": "= hold:estimator",
    "sklearn.feature_selection": "call = hold:estimator",
    "sklearn.model_selection": "= hold:estimator",
    "sklearn.multiclass": "= hold:estimator",
    "sklearn.mixture": "= hold:estimator",
    "sklearn.random_projection": "= hold:estimator",
    "sklearn.dummy": "= hold:estimator",
    "sklearn.calibration": "= hold:estimator",
    "sklearn.covariance": "= hold:estimator",
    "sklearn.kernel_ridge": "= hold:estimator",
    "sklearn.isotonic": "= hold:estimator",
}

METHOD_DEFAULTS: dict[str, str] = {}
