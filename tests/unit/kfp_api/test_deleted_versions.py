"""A submission that names a stored version which is there no longer says so."""

from typing import cast

import pytest

from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.kit.clock import utc_now
from jupyter_mlplat.ports.metadata import MetadataStore
from jupyter_mlplat.resources.run import SubmitRequest
from jupyter_mlplat.resources.workflow import KfpFacts
from jupyter_mlplat.services.catalogue.pipelines import StoredPipelines


class _Emptied:
    """A store whose pipelines were deleted."""

    def get_pipeline_version(self, version: str) -> None:
        raise NotFound(f"Cannot find pipeline version {version!r}: there is none.")


def test_a_deleted_version_is_named_with_the_way_out() -> None:
    pipelines = StoredPipelines(cast(MetadataStore, _Emptied()), utc_now)
    pinned = KfpFacts(pipeline_id="pipeline-0000000001", version_id="version-0000000001")

    with pytest.raises(NotFound) as refused:
        pipelines.filled_in(SubmitRequest(kfp=pinned))

    assert refused.value.message == (
        "Cannot run pipeline 'pipeline-0000000001': version 'version-0000000001' of it is not "
        "there, or no longer. It may have been deleted. A recurring run goes on with the version "
        "it was made with: make it anew with one that is there."
    )
