"""instances: whether tests may make tracefs instances here, and those that vmscope has."""
import contextlib
import pathlib
import re

INSTANCES = pathlib.Path("/sys/kernel/tracing/instances")


def may_trace():
    with contextlib.suppress(OSError):
        probe = INSTANCES / "vmscope-tests-probe"
        probe.mkdir()
        probe.rmdir()
        return True
    return False


def ours(names):
    """names: a pattern of what comes behind vmscope-."""
    return sorted(d.name for d in INSTANCES.iterdir() if re.match(f"vmscope-{names}", d.name))
