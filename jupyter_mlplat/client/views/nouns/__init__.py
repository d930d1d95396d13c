"""What each of our nouns has to show: documents in, views out.

Does not live here: how a view is drawn (`text`, `html`).
"""

from jupyter_mlplat.client.views.nouns.formats import (
    format_age,
    format_duration,
    format_number,
    state_cell,
)
from jupyter_mlplat.client.views.nouns.images import view_images, view_secrets
from jupyter_mlplat.client.views.nouns.inventory import view_inventory, view_lease
from jupyter_mlplat.client.views.nouns.jobs import (
    view_jobs,
    view_train_job,
    view_trials,
    view_tuning_job,
)
from jupyter_mlplat.client.views.nouns.pipelines import view_pipeline, view_verification
from jupyter_mlplat.client.views.nouns.registry import (
    view_lineage,
    view_model,
    view_model_history,
    view_models,
    view_version,
)
from jupyter_mlplat.client.views.nouns.runs import (
    failure_messages,
    metric_series,
    view_outputs,
    view_restored,
    view_run,
    view_runs,
)
from jupyter_mlplat.client.views.nouns.schedules import (
    view_firings,
    view_schedule,
    view_schedules,
)
from jupyter_mlplat.client.views.nouns.servers import (
    view_offer,
    view_places,
    view_server,
    view_servers,
)
from jupyter_mlplat.client.views.nouns.serving import view_endpoint, view_endpoints, view_engine

__all__ = [
    "failure_messages",
    "format_age",
    "format_duration",
    "format_number",
    "metric_series",
    "state_cell",
    "view_endpoint",
    "view_endpoints",
    "view_engine",
    "view_firings",
    "view_images",
    "view_inventory",
    "view_jobs",
    "view_lease",
    "view_lineage",
    "view_model",
    "view_model_history",
    "view_models",
    "view_offer",
    "view_outputs",
    "view_pipeline",
    "view_places",
    "view_restored",
    "view_run",
    "view_runs",
    "view_schedule",
    "view_schedules",
    "view_secrets",
    "view_server",
    "view_servers",
    "view_train_job",
    "view_trials",
    "view_tuning_job",
    "view_verification",
    "view_version",
]
