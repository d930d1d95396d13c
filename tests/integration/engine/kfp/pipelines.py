# ruff: noqa: E712, E741, F841, SIM115, UP006, UP035, UP045  as people write it for kfp
"""Pipelines that try KFP out, each with the output it must have. This program compiles them.

It needs kfp 2.17, which our environment has not: what it writes lies beside it, and is what runs.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

from kfp import compiler, dsl
from kfp.dsl import Artifact, Dataset, Input, InputPath, Metrics, Model, Output, OutputPath

PIPELINES: dict[str, Callable] = {}
EXPECTED: dict[str, object] = {}


def pipeline(expected: object) -> Callable:
    """Keep a pipeline function with the output it must have; None: it must fail."""

    def keep(function: Callable) -> Callable:
        PIPELINES[function.__name__] = function
        EXPECTED[function.__name__] = expected
        return function

    return keep


@dsl.component
def j(a: list, b: dict, c: str, d: float, e: int, f: bool) -> str:
    import json

    return json.dumps([a, b, c, d, e, f, type(d).__name__, type(e).__name__], sort_keys=True)


@dsl.component
def num(n: int) -> int:
    return n


@dsl.component
def txt(s: str) -> str:
    return s


@dsl.component
def flt(x: float) -> float:
    return x


@dsl.component
def lst(n: int) -> List[int]:
    return list(range(n))


@dsl.component
def dicts(n: int) -> List[Dict[str, int]]:
    return [{"a": i, "b": i * 10} for i in range(n)]


@dsl.component
def dump(x: list) -> str:
    import json

    return json.dumps(x)


@dsl.component
def dumpd(x: dict) -> str:
    import json

    return json.dumps(x, sort_keys=True)


@dsl.component
def boo(x: bool) -> bool:
    return x


@dsl.component
def mk(name: str, out: Output[Dataset]):
    out.metadata["who"] = name
    with open(out.path, "w") as f:
        f.write(name)


@dsl.component
def rd(d: Input[Dataset]) -> str:
    return open(d.path).read() + "|" + str(d.metadata.get("who"))


@dsl.component
def rdl(d: Input[List[Dataset]]) -> str:
    return ",".join(sorted(open(x.path).read() for x in d))


@dsl.component
def opt(a: int, b: Optional[int] = None, c: str = "dflt", d: Optional[List[int]] = None) -> str:
    return repr((a, b, c, d))


@dsl.component
def boom() -> str:
    raise ValueError("boom")


@dsl.component
def two(n: int) -> NamedTuple("O", [("x", int), ("y", str)]):
    from collections import namedtuple

    return namedtuple("O", ["x", "y"])(n, str(n) * 2)


@dsl.component
def mul(a: int, b: int) -> int:
    return a * b


@dsl.component
def sq(n: int) -> int:
    return n * n


@dsl.pipeline
def squares(xs: List[int]) -> str:
    with dsl.ParallelFor(xs) as x:
        s = sq(n=x)
    return dump(x=dsl.Collected(s.output)).output


@pipeline('[[1, "n=5"], {"k": ["5-x", {"z": 2.5}]}, "v 5 and x", 3, 5, true, "int", "int"]')
def fstrings(n: int = 5, s: str = "x") -> str:
    a = num(n=n)
    b = txt(s=s)
    return j(
        a=[1, f"n={a.output}"],
        b={"k": [f"{a.output}-{b.output}", {"z": 2.5}]},
        c=f"v {a.output} and {b.output}",
        d=3.0,
        e=a.output,
        f=True,
    ).output


@pipeline("[[0, 1], [10, 11], [20, 21]]")
def nested_collect() -> str:
    with dsl.ParallelFor([0, 10, 20]) as o, dsl.ParallelFor([0, 1]) as i:
        t = addc(a=o, b=i)
    return dump(x=dsl.Collected(t.output)).output


@dsl.component
def addc(a: int, b: int) -> int:
    return a + b


@pipeline("[0, 11, 22]")
def subvars() -> str:
    src = dicts(n=3)
    with dsl.ParallelFor(src.output, parallelism=2) as it:
        t = addc(a=it.a, b=it.b)
    return dump(x=dsl.Collected(t.output)).output


@pipeline("a,b,c")
def collect_artifacts() -> str:
    with dsl.ParallelFor(["a", "b", "c"]) as it:
        m = mk(name=it)
    return rdl(d=dsl.Collected(m.outputs["out"])).output


@pipeline("bb|bb")
def oneof_artifact(flag: str = "b") -> str:
    t = txt(s=flag)
    with dsl.If(t.output == "a"):
        x = mk(name="aa")
    with dsl.Elif(t.output == "b"):
        y = mk(name="bb")
    with dsl.Else():
        z = mk(name="cc")
    return rd(d=dsl.OneOf(x.outputs["out"], y.outputs["out"], z.outputs["out"])).output


@pipeline("inner:else")
def nested_if(n: int = 3) -> str:
    a = num(n=n)
    with dsl.If(a.output > 1):
        f = flt(x=0.25)
        with dsl.If(f.output >= 0.5):
            p = txt(s="inner:then")
        with dsl.Else():
            q = txt(s="inner:else")
        r = txt(s=dsl.OneOf(p.output, q.output))
    with dsl.Else():
        s = txt(s="outer")
    return txt(s=dsl.OneOf(r.output, s.output)).output


@pipeline("(1, None, 'dflt', None)")
def optional_nil(b: Optional[int] = None, d: Optional[List[int]] = None) -> str:
    return opt(a=1, b=b, d=d).output


@dsl.pipeline
def inner_opt(a: int, b: Optional[int] = None, c: str = "inner") -> str:
    return opt(a=a, b=b, c=c).output


@pipeline("(2, None, 'inner', None)")
def nested_optional() -> str:
    return inner_opt(a=2).output


@pipeline("(2, 7, 'z', None)")
def nested_given(z: str = "z") -> str:
    return inner_opt(a=2, b=7, c=z).output


@pipeline("21 77")
def named() -> str:
    t = two(n=21)
    u = two(n=7)
    return txt(s=f"{t.outputs['x']} {u.outputs['y']}").output


@pipeline("yes")
def bools(x: bool = True) -> str:
    b = boo(x=x)
    with dsl.If(b.output == True):
        t = txt(s="yes")
    with dsl.Else():
        u = txt(s="no")
    return dsl.OneOf(t.output, u.output)


@pipeline("[0, 1, 4, 9]")
def loop_in_pipeline() -> str:
    l = lst(n=4)
    return squares(xs=l.output).output


@pipeline("[]")
def empty_loop() -> str:
    l = lst(n=0)
    with dsl.ParallelFor(l.output) as x:
        s = sq(n=x)
    return dump(x=dsl.Collected(s.output)).output


@pipeline(None)
def exits(marker: str = "m"):
    @dsl.component
    def fin(status: dsl.PipelineTaskFinalStatus, x: str):
        print(status.state, status.pipeline_task_name, x)

    e = fin(x="a")
    with dsl.ExitHandler(e, name="work"):
        t = txt(s="hello")
        boom()


@pipeline("survived default")
def ignoring() -> str:
    b = boom()
    return survive(x=b.output).ignore_upstream_failure().output


@dsl.component
def survive(x: str = "default") -> str:
    return "survived " + x


@pipeline('it\'s "q" \\ {{x}} é $HOME $(X)')
def quoting(s: str = 'it\'s "q" \\ {{x}} é $HOME $(X)') -> str:
    return txt(s=s).output


@pipeline("ok")
def cond_quotes(s: str = "a b") -> str:
    t = txt(s=s)
    with dsl.If(t.output == "a b"):
        u = txt(s="ok")
    with dsl.Else():
        v = txt(s="bad")
    return dsl.OneOf(u.output, v.output)


@dsl.container_component
def shell(words: str, out: dsl.OutputPath(str), opt_in: str = "d"):
    return dsl.ContainerSpec(
        image="alpine",
        command=[
            "sh",
            "-c",
            'printf "%s|%s|%s" "$1" "$2" "$3" > "$0"',
            out,
            dsl.ConcatPlaceholder(["<", words, ">"]),
            dsl.IfPresentPlaceholder("opt_in", then=["has", opt_in], else_=["none"]),
        ],
    )


@pipeline("<a b>|has|x")
def container(w: str = "a b") -> str:
    return shell(words=w, opt_in="x").outputs["out"]


@pipeline("[3, 30]")
def outer_in_loop() -> str:
    k = num(n=3)
    with dsl.ParallelFor([1, 10]) as x, dsl.If(k.output > 2):
        m = mul(a=k.output, b=x)
    return dump(x=dsl.Collected(m.output)).output


@dsl.component
def mdl(name: str) -> Model:
    m = Model(uri=dsl.get_uri("models/" + name), metadata={"k": [1, {"z": 2}], "f": 1.0})
    import os

    os.makedirs(os.path.dirname(m.path), exist_ok=True)
    open(m.path, "w").write("M" + name)
    return m


@dsl.component
def rmdl(m: Input[Model]) -> str:
    return open(m.path).read() + repr(sorted(m.metadata.items()))


@pipeline("Mq[('f', 1), ('k', [1, {'z': 2}])]")
def pythonic() -> str:
    return rmdl(m=mdl(name="q").output).output


@dsl.component
def folder(d: Output[Artifact]):
    import os

    os.makedirs(d.path + "/a/b")
    open(d.path + "/a/b/x.txt", "w").write("deep")
    open(d.path + "/e.txt", "w").write("")


@dsl.component
def rfolder(d: Input[Artifact]) -> str:
    import os

    return "|".join(
        sorted(
            os.path.relpath(os.path.join(r, f), d.path) + "=" + open(os.path.join(r, f)).read()
            for r, _, fs in os.walk(d.path)
            for f in fs
        )
    )


@pipeline("a/b/x.txt=deep|e.txt=")
def folders() -> str:
    return rfolder(d=folder().output).output


@dsl.component
def paths(
    text: str,
    one: OutputPath(str),
    two: OutputPath("Dataset"),
    n: OutputPath(int),
    l: OutputPath(list),
):
    open(one, "w").write(text.upper())
    open(two, "w").write(text * 2)
    open(n, "w").write("7")
    open(l, "w").write("[1, 2.0]")


@dsl.component
def rpaths(one: str, two: InputPath("Dataset"), n: int, l: list) -> str:
    return one + open(two).read() + str(n + 1) + repr(l)


@pipeline("ABabab8[1, 2]")
def output_paths() -> str:
    p = paths(text="ab")
    return rpaths(
        one=p.outputs["one"], two=p.outputs["two"], n=p.outputs["n"], l=p.outputs["l"]
    ).output


@dsl.component
def src() -> str:
    return "data:,file%20content"


@pipeline("file content|5")
def importing(v: int = 5) -> str:
    u = src()
    i = dsl.importer(
        artifact_uri=u.output,
        artifact_class=Dataset,
        reimport=False,
        metadata={"v": v, "who": u.output},
    )
    return rimp(d=i.output).output


@dsl.component
def rimp(d: Input[Dataset]) -> str:
    return open(d.path).read().strip() + "|" + str(d.metadata["v"])


@dsl.pipeline
def nested_art(d: Input[Dataset], n: int = 2) -> NamedTuple(
    "X", [("text", str), ("made", Dataset)]
):
    from collections import namedtuple

    r = rd(d=d)
    m = mk(name=r.output)
    return namedtuple("X", ["text", "made"])(r.output, m.outputs["out"])


@pipeline("aa|aa;aa|aa|aa|aa")
def art_through_pipelines() -> str:
    m = mk(name="aa")
    x = nested_art(d=m.outputs["out"])
    r = rd(d=x.outputs["made"])
    return txt(s=f"{x.outputs['text']};{r.output}").output


@pipeline('["x-0", "x-1"]')
def pipe_in_loop() -> str:
    with dsl.ParallelFor([0, 1]) as i:
        t = named_inner(n=i, p="x")
    return dump(x=dsl.Collected(t.output)).output


@dsl.pipeline
def named_inner(n: int, p: str) -> str:
    a = num(n=n)
    return txt(s=f"{p}-{a.output}").output


@dsl.component
def flaky(path: str) -> int:
    import os

    n = int(open(path).read()) if os.path.exists(path) else 0
    open(path, "w").write(str(n + 1))
    if n < 2:
        raise RuntimeError("again")
    return n


@pipeline(2)
def retried(path: str) -> int:
    return flaky(path=path).set_retry(3, backoff_duration="0s").output


@pipeline("a b|/x y")
def env_and_after() -> str:
    e = envs().set_env_variable("A_B", "a b").set_env_variable("C", "/x y")
    t = txt(s="z").after(e)
    return e.output


@dsl.component
def envs() -> str:
    import os

    return os.environ["A_B"] + "|" + os.environ["C"]


@pipeline("job ok")
def job_placeholders() -> str:
    return jp(
        a=dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
        b=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        c=dsl.PIPELINE_TASK_NAME_PLACEHOLDER,
        d=dsl.PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER,
        e=f"pre-{dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER}",
    ).output


@dsl.component
def jp(a: str, b: str, c: str, d: str, e: str) -> str:
    assert not any("{{" in x for x in (a, b, c, d, e)), (a, b, c, d, e)
    assert c == "jp", c
    import datetime

    datetime.datetime.strptime(d, "%Y-%m-%dT%H:%M:%SZ")
    assert e.startswith("pre-job-placeholders"), e
    return "job ok"


@pipeline("[0, 2]")
def cond_in_loop() -> str:
    with dsl.ParallelFor([0, 1, 2]) as i, dsl.If(i != 1):
        n = num(n=i)
    return dump(x=dsl.Collected(n.output)).output


@pipeline("AB")
def oneof_nested_loop() -> str:
    t = txt(s="A")
    with dsl.If(t.output == "A"):
        p = named_ab(x=t.output)
    with dsl.Else():
        q = txt(s="nope")
    return dsl.OneOf(p.output, q.output)


@dsl.pipeline
def named_ab(x: str) -> str:
    return txt(s=f"{x}B").output


@pipeline("0.1 1e+20 True None")
def numbers(a: float = 0.1, b: float = 1e20, c: bool = True) -> str:
    return nums(a=a, b=b, c=c).output


@dsl.component
def nums(a: float, b: float, c: bool, d: Optional[float] = None) -> str:
    return f"{a} {b} {c} {d}"


@pipeline("3")
def collected_len() -> str:
    l = dicts(n=3)
    with dsl.ParallelFor(l.output) as it, dsl.ParallelFor([1]) as k:
        m = mk(name="z")
    return clen(x=dsl.Collected(m.outputs["out"])).output


@dsl.component
def clen(x: Input[List[Dataset]]) -> str:
    return str(len(x))


@dsl.component
def metr(
    m: Output[Metrics],
    c: Output[dsl.ClassificationMetrics],
    h: Output[dsl.HTML],
    md: Output[dsl.Markdown],
):
    m.log_metric("acc", 0.5)
    c.log_confusion_matrix(["a", "b"], [[1, 2], [3, 4]])
    c.log_roc_curve([0.0, 1.0], [0.0, 1.0], [1.0, 0.0])
    open(h.path, "w").write("<b>x</b>")
    open(md.path, "w").write("# hi")


@dsl.component
def rmetr(m: Input[Metrics]) -> str:
    return str(m.metadata["acc"])


@pipeline("0.5")
def metrics() -> str:
    return rmetr(m=metr().outputs["m"]).output


@pipeline("hi there")
def container_artifact(w: str = "hi") -> str:
    c = cart(w=w)
    return rd1(d=c.outputs["out"]).output


@dsl.container_component
def cart(w: str, out: Output[Dataset]):
    return dsl.ContainerSpec(
        image="alpine",
        command=["sh", "-c", 'mkdir -p "$(dirname "$1")" && printf "%s there" "$0" > "$1"'],
        args=[w, out.path],
    )


@dsl.component
def rd1(d: Input[Dataset]) -> str:
    return open(d.path).read()


if __name__ == "__main__":
    here = Path(__file__).parent
    for name, function in PIPELINES.items():
        compiler.Compiler().compile(dsl.pipeline(function), str(here / f"{name}.yaml"))
    (here / "expected.json").write_text(json.dumps(EXPECTED, indent=1) + "\n")
