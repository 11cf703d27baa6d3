"""Odd files are made in a process of its own: what is odd may crash the HDF5 that writes it, too."""

import multiprocessing
import resource
import shutil
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

import numpy as np

from tests.fuzz.mutations import mutate

_CONTEXT = multiprocessing.get_context("spawn")
_LIMIT_S = 10.0


def odd_file(path: Path, whole: Path, seed: int, number: int) -> str:
    """Make odd file `number` of the seed, always the same one; returns what was done."""
    shutil.copy(whole, path)
    return mutate(path, np.random.default_rng((seed, number)))


class Maker:
    """Makes odd files; one over which the maker crashed or hung is as odd as it had become."""

    def __init__(self) -> None:
        self._start()

    def make(self, path: Path, whole: Path, seed: int, number: int) -> str:
        """The file, and what was done to it."""
        try:
            self._pipe.send((path, whole, seed, number))
            if self._pipe.poll(_LIMIT_S):
                return str(self._pipe.recv())
            done = "the maker hung"
        except (EOFError, OSError):
            done = "the maker crashed"
        self._stop()
        self._start()
        return done

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _start(self) -> None:
        self._pipe, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def _stop(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _serve(pipe: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            pipe.send(odd_file(*pipe.recv()))
        except EOFError:
            return
