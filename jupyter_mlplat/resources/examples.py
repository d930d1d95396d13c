"""Example notebooks that come with the platform, or with what an administrator installed."""

from pydantic import Field

from jupyter_mlplat.resources.base import Resource


class Example(Resource):
    """A notebook to start from, as a card shows it."""

    name: str = Field(description="File name without its ending.")
    title: str
    summary: str


class ExampleList(Resource):
    """All examples, in the order of their names."""

    examples: tuple[Example, ...]
