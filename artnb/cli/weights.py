"""`artnb weights list | get`: the ImageNet weights of the networks."""

from artnb.cli.common import root


@root.group("weights")
def _weights() -> None:
    """List and fetch the ImageNet weights."""
