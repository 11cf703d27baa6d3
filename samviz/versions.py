"""Which libraries a run was made with."""

from importlib.metadata import PackageNotFoundError, version

LIBRARIES = ("samviz", "torch", "numpy", "numba", "h5py")


def library_versions() -> dict[str, str]:
    """The installed versions, by name."""
    found = {}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "not installed"
    return found
