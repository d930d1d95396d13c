"""Runs under upstream's own SDK, in an environment that has never heard of us.

`python upstream.py FILE ROOT [PARAMETERS]` loads a pipeline as `kfp` does, compiles it again, reads
it as the protobuf message it is, and runs it with `kfp.local`'s SubprocessRunner.
"""

import json
import sys
import warnings

import yaml
from google.protobuf import json_format
from kfp import compiler, components, local
from kfp.pipeline_spec import pipeline_spec_pb2

warnings.simplefilter("ignore")  # settings that the local runner ignores
path, root, given = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
component = components.load_component_from_file(path)
compiler.Compiler().compile(component, f"{root}.again.yaml")
with open(path) as ours, open(f"{root}.again.yaml") as theirs:
    documents = list(yaml.safe_load_all(ours))
    assert documents == list(yaml.safe_load_all(theirs)), "kfp writes another document"
json_format.Parse(json.dumps(documents[0]), pipeline_spec_pb2.PipelineSpec())
local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=root)
component(**given)
