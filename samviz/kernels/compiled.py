"""Compile a kernel with numba and keep the machine code between processes.

Numba looks only at the file of the outer function to decide whether cached machine code is still valid, so
editing an inner kernel would go unnoticed. The cache therefore lives in a folder named after all sources of
this room: whatever is edited, everything that could depend on it is compiled anew.
"""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numba
from platformdirs import user_cache_path

# Sums may be reordered, so that a dot product uses vector instructions; NaN and infinity keep their meaning.
FAST_SUMS = {"reassoc", "contract", "nsz"}


def cache_folder() -> Path:
    """The folder of the compiled kernels of exactly these sources, in this place."""
    digest = sha256(f"{numba.__version__} {Path(__file__).parent}".encode())  # numba goes by the path, too
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return user_cache_path("samviz") / f"kernels-{digest.hexdigest()[:16]}"


_CACHE_FOLDER = cache_folder()


def compiled(function: Callable[..., Any]) -> Any:
    """Decorate a kernel: compiled per argument types at its first call, from disk in later processes."""
    return _compiled(function, FAST_SUMS)


def compiled_exactly(function: Callable[..., Any]) -> Any:
    """The same for arithmetic that must come out equal, bit for bit, on every machine."""
    return _compiled(function, set())


def inlined(function: Callable[..., Any]) -> Any:
    """Decorate a part of a kernel that becomes part of its callers: a call with many arrays costs 10 ns."""
    return _compiled(function, FAST_SUMS, forceinline=True)


def inlined_exactly(function: Callable[..., Any]) -> Any:
    """Both."""
    return _compiled(function, set(), forceinline=True)


def _compiled(function: Callable[..., Any], fastmath: set[str], *, forceinline: bool = False) -> Any:
    before = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = str(_CACHE_FOLDER)  # type: ignore[attr-defined]
    try:
        return numba.njit(
            function,
            cache=True,
            nogil=True,
            error_model="numpy",
            fastmath=fastmath,
            forceinline=forceinline,
        )
    finally:
        numba.config.CACHE_DIR = before  # type: ignore[attr-defined]
