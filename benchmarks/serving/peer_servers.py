"""The peers' servers, run by the interpreters of the peers' own environments.

`python peer_servers.py make FOLDER` fits the models there, `python peer_servers.py KIND PORT
FOLDER/MODEL` serves one. Nothing of this project is imported.
"""

import json
import os
import sys
from pathlib import Path


def make(folder):
    """Fit a logistic regression on iris and a forest of 100 trees on 30 features."""
    import joblib
    from sklearn.datasets import load_breast_cancer, load_iris
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    for name, model, data in (
        ("regression", LogisticRegression(max_iter=1000), load_iris),
        ("forest", RandomForestClassifier(100, random_state=0), load_breast_cancer),
    ):
        target = Path(folder, name)
        target.mkdir(parents=True, exist_ok=True)
        joblib.dump(model.fit(*data(return_X_y=True)), target / "model.joblib")


def kserve(port, folder):
    """KServe's own server around what its sklearnserver does: decode, predict, encode."""
    import joblib
    import kserve as framework
    import numpy as np
    from kserve.utils.utils import get_predict_input, get_predict_response

    class Model(framework.Model):
        def load(self):
            self.estimator = joblib.load(Path(folder, "model.joblib"))
            self.ready = True
            return True

        def predict(self, payload, headers=None):
            rows = np.asarray(get_predict_input(payload))
            return get_predict_response(payload, self.estimator.predict(rows), self.name)

    model = Model("m")
    model.load()
    framework.ModelServer(http_port=port, enable_grpc=False, workers=1).start([model])


def mlserver(port, folder):
    """MLServer without its pool of processes, which does not start with today's uvloop."""
    home = Path(folder, "mlserver")
    home.mkdir(exist_ok=True)
    (home / "settings.json").write_text(
        json.dumps(
            {
                "host": "127.0.0.1",
                "http_port": port,
                "grpc_port": port + 1,
                "metrics_port": port + 2,
                "parallel_workers": 0,
            }
        )
    )
    (home / "model-settings.json").write_text(
        json.dumps(
            {
                "name": "m",
                "implementation": "mlserver_sklearn.SKLearnModel",
                "parameters": {"uri": str(Path(folder, "model.joblib"))},
            }
        )
    )
    program = Path(sys.executable).with_name("mlserver")
    os.execv(program, [str(program), "start", str(home)])


def starlette(port, folder):
    """The least one would write by hand: a route that calls predict."""
    import joblib
    import numpy as np
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    estimator = joblib.load(Path(folder, "model.joblib"))

    async def predict(request):
        rows = np.asarray((await request.json())["instances"])
        return JSONResponse({"predictions": estimator.predict(rows).tolist()})

    app = Starlette(routes=[Route("/v1/models/m:predict", predict, methods=["POST"])])
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2])
    else:
        kind = {"kserve": kserve, "mlserver": mlserver, "starlette": starlette}[sys.argv[1]]
        kind(int(sys.argv[2]), sys.argv[3])
