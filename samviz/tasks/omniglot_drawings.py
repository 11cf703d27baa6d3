"""Drawings of characters from Omniglot's published files (Lake et al. 2015), read into memory."""

import os
import re
import warnings
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from lzma import LZMAError
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from samviz.errors import ConfigError

LAYOUT = "ALPHABET/characterNN/*.png"
HELD_OUT_EVERY = 5  # of an alphabet's characters, one in so many is held out
MOST_FILES = 200_000  # Omniglot has 32,460 drawings
MOST_BYTES = 2**20  # of a drawing's file, published ones have some 200
MOST_SIDE = 1024  # pixels of a drawing, published ones have 105
# what the libraries raise of damaged files, and of encrypted ones (RuntimeError)
DAMAGED_ZIP = (BadZipFile, zlib.error, LZMAError, EOFError, OSError, UnicodeDecodeError, RuntimeError)
DAMAGED_PNG = (OSError, SyntaxError, ValueError, EOFError, zlib.error, Image.DecompressionBombError)


class Drawings(NamedTuple):
    """Characters and how people drew them.

    Shape legend: C characters, D drawings, S pixels of a side.
    """

    names: tuple[str, ...]  # [C], such as "Greek/character01", sorted
    starts: NDArray[np.int64]  # [C + 1], the drawings of character i are ink[starts[i] : starts[i + 1]]
    ink: Tensor  # [D, S, S] uint8, 0 paper, 255 ink

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """[C], the characters that training never draws: every fifth of each alphabet."""
        alphabets = np.array([name.partition("/")[0] for name in self.names])
        _, first, which = np.unique(alphabets, return_index=True, return_inverse=True)
        place = np.arange(len(alphabets)) - first[which]  # in its alphabet
        fifth: NDArray[np.bool_] = place % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
        return fifth

    @property
    def fingerprint(self) -> str:
        """Tells other characters from these, and with them what is held out."""
        return sha256("\n".join(self.names).encode(errors="replace")).hexdigest()[:16]


class Picture(NamedTuple):
    """The file of one drawing."""

    place: str  # where it lies, for errors
    character: str
    content: bytes


@lru_cache(maxsize=2)
def load_drawings(path: Path, side: int) -> Drawings:
    """All drawings in a folder, in the zip files of a folder, or in one zip file; once for each path.

    A character that several files hold is one character, and equal drawings of it count once. Drawings are
    in the order of their pixels, so that it does not matter which files they came from.

    Args:
        path: holds `LAYOUT` at any depth.
        side: the pixels S to reduce each drawing to, by area.

    Raises:
        ConfigError: nothing there, no drawings, or a damaged file.
    """
    found: dict[str, set[bytes]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # refused by its size here
        for picture in _pictures(path):
            found.setdefault(picture.character, set()).add(_ink(picture, side))
    if not found:
        raise ConfigError(f"{path}: expected drawings as {LAYOUT}, or zip files that hold them, found none")
    names = sorted(found)
    content = bytearray().join(drawing for name in names for drawing in sorted(found[name]))
    starts = np.cumsum([0, *(len(found[name]) for name in names)], dtype=np.int64)
    return Drawings(tuple(names), starts, torch.frombuffer(content, dtype=torch.uint8).view(-1, side, side))


def _pictures(path: Path) -> Iterator[Picture]:
    """Every file of a drawing."""
    if os.path.isfile(path):
        yield from _pictures_in_zip(path)
    elif not os.path.isdir(path):
        raise ConfigError(f"{path}: expected a folder or a zip file with Omniglot's drawings, found neither")
    for file in _files(path):
        character = _character(file.parts)
        if file.suffix.lower() == ".zip":
            yield from _pictures_in_zip(file)
        elif character and os.path.isfile(file):
            yield Picture(str(file), character, _content(file))


def _files(folder: Path) -> Iterator[Path]:
    """All files at any depth; none where it is no folder."""
    seen = 0
    for parent, _, names in os.walk(folder):
        seen += len(names)
        _refuse_crowd(folder, seen)
        yield from (Path(parent, name) for name in names)


def _pictures_in_zip(path: Path) -> Iterator[Picture]:
    """The drawings in a zip file, which is never unpacked to disk."""
    place = str(path)
    try:
        with ZipFile(path) as archive:
            members = archive.infolist()
            _refuse_crowd(path, len(members))
            for member in members:
                place = f"{path}: {member.filename}"
                character = _character(member.filename.split("/"))
                if character:
                    _refuse_size(place, member.file_size)
                    yield Picture(place, character, archive.read(member))
    except DAMAGED_ZIP as error:
        raise _damaged(place, "zip", error) from None


def _content(path: Path) -> bytes:
    try:
        _refuse_size(str(path), path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: could not be read: {error.strerror}") from None


def _character(parts: Sequence[str]) -> str | None:
    """ALPHABET/characterNN of a drawing's path, None where it is another file."""
    if len(parts) < 3 or parts[-1].startswith(".") or not parts[-1].lower().endswith(".png"):
        return None
    return f"{parts[-3]}/{parts[-2]}" if re.fullmatch(r"character\d+", parts[-2]) else None


def _ink(picture: Picture, side: int) -> bytes:
    """The drawing, [side * side] uint8."""
    try:
        image = Image.open(BytesIO(picture.content), formats=("PNG",))
        fits = image.width == image.height <= MOST_SIDE
        if fits:
            image.load()
    except DAMAGED_PNG as error:
        raise _damaged(picture.place, "PNG", error) from None
    if not fits:
        raise ConfigError(
            f"{picture.place}: expected a square drawing of at most {MOST_SIDE:,} x {MOST_SIDE:,} pixels, "
            f"found {image.width:,} x {image.height:,}"
        )
    ink = ImageOps.invert(image.convert("L")).resize((side, side), Image.Resampling.BOX)
    if ink.getbbox() is None:
        raise ConfigError(f"{picture.place}: expected a character in black on white, found no ink")
    return ink.tobytes()


def _damaged(place: str, kind: str, error: Exception) -> ConfigError:
    """What to say of a file that a library could not read."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if isinstance(error, UnidentifiedImageError):
        reason = "it holds something else"
    return ConfigError(
        f"{place}: expected a sound {kind} file, but {reason}; if it is damaged, download it again"
    )


def _refuse_crowd(path: Path, files: int) -> None:
    if files > MOST_FILES:
        raise ConfigError(f"{path}: expected Omniglot's drawings, found more than {MOST_FILES:,} files")


def _refuse_size(place: str, size: int) -> None:
    if size > MOST_BYTES:
        raise ConfigError(f"{place}: expected a drawing of at most {MOST_BYTES:,} bytes, found {size:,}")
