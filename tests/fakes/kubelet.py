"""Runs the pods of a `FakeCluster` as processes of this machine; folders stand for its volumes."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_mlplat.launchers.kubernetes.api import JOBS, PODS, SECRETS, Change
from tests.fakes.cluster import JOB_LABEL, FakeCluster, ended, running


class FakeKubelet:
    """Starts what Jobs ask for, once, as soon as they are there.

    Args:
        cluster: Whose Jobs.
        root: Where folders that are empty at first lie.
    """

    def __init__(self, cluster: FakeCluster, root: Path) -> None:
        self._cluster = cluster
        self._root = root
        self._tasks: set[asyncio.Task[None]] = set()
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self.output: dict[str, bytes] = {}
        self._begin(self._watch_jobs())
        self._begin(self._watch_pods())

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch_jobs(self) -> None:
        async for update in self._cluster.watch(JOBS, None):
            if isinstance(update, Change) and update.type == "ADDED":
                for index in range(update.object["spec"]["completions"]):
                    self._begin(self._run(update.object, index))

    async def _watch_pods(self) -> None:
        async for update in self._cluster.watch(PODS, None):
            if isinstance(update, Change) and update.type == "DELETED":
                process = self._processes.get(update.object["metadata"]["name"])
                if process is not None:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGTERM)

    async def _run(self, job: Any, index: int) -> None:
        pod = self._cluster.pod(job, index, phase="Pending")
        name, spec = pod["metadata"]["name"], pod["spec"]
        empty = {
            mount["mountPath"]: str(self._root / name / mount["name"])
            for mount in spec["containers"][0]["volumeMounts"]
            for volume in spec["volumes"]
            if volume["name"] == mount["name"] and "emptyDir" in volume
        }
        for folder in empty.values():
            os.makedirs(folder, exist_ok=True)
        for container in spec.get("initContainers") or ():
            code = await self._start(name, container, empty, index)
            if code:
                status = ended(code)
                status["initContainerStatuses"] = status.pop("containerStatuses")
                self._cluster.pod(job, index, **status)
                return
        self._cluster.pod(job, index, **running())
        code = await self._start(name, spec["containers"][0], empty, index)
        if (PODS.plural, name) in self._cluster.objects:
            self._cluster.pod(job, index, **ended(code if code >= 0 else 128 - code))

    async def _start(self, name: str, container: Any, empty: dict[str, str], index: int) -> int:
        def placed(text: str) -> str:
            for path, folder in empty.items():
                text = text.replace(path, folder) if text.startswith(path) else text
            return text

        env = {"PATH": os.environ["PATH"], "HOSTNAME": name, "JOB_COMPLETION_INDEX": str(index)}
        for one in container["env"]:
            env[one["name"]] = one.get("value") or await self._secret(one["valueFrom"])
        words = [placed(word) for word in container["command"]]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *words[1:],
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._processes[name] = process
        out, _ = await process.communicate()
        self.output[name] = self.output.get(name, b"") + out
        return process.returncode or 0

    async def _secret(self, source: Any) -> str:
        wanted = source["secretKeyRef"]
        while (SECRETS.plural, wanted["name"]) not in self._cluster.objects:
            await asyncio.sleep(0.01)
        found = self._cluster.objects[SECRETS.plural, wanted["name"]]
        return str(found["stringData"][wanted["key"]])


__all__ = ["JOB_LABEL", "FakeKubelet"]
