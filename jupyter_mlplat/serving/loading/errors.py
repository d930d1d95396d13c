"""Why a model cannot be loaded."""


class ModelNotLoadable(Exception):
    """The message is for the one who deploys; trying again would fail again."""
