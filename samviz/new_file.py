"""A new file: made by one process alone, beside its place and under another name until it is whole.

NAME.lock says that somebody makes it, NAME.part is what there is of it so far. Whatever else bears one of
these names is left alone, and the file cannot be made.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from errno import ENAMETOOLONG
from pathlib import Path

from samviz.errors import TraceError
from samviz.wording import first_line, printable
from samviz.writer_lock import WriterLock, is_being_written, lock_path, was_left_behind


class NewFile:
    """The lock on a path, and the empty file `part` to be filled and then named.

    path: where the file will lie, links followed: links stay links to it.
    """

    def __init__(self, path: Path, *, overwrite: bool = False, sources: Sequence[Path] = ()) -> None:
        """Take the place. Until the file is named, nothing that exists is touched.

        Args:
            path: a name that must be free, or with `overwrite` a file's.
            overwrite: whether the file may take the place of one that exists.
            sources: files that it is made of, none of which may be lost by it.

        Raises:
            TraceError: the place is taken or is no place for a file, or another process writes there.
        """
        self._told, self._overwrite = path, overwrite
        try:
            self.path = Path(os.path.realpath(path))
            check_target(path, overwrite=True)
            _require_folder(path, self.path)
            self.part = self.path.with_name(self.path.name + ".part")
            self._check_sources(sources)
            check_target(path, overwrite)
            left = was_left_behind(self.path)
            self._lock = _locked(path, self.path)
        except (OSError, ValueError) as error:
            raise cannot_be_created(path, error) from error
        try:
            check_target(path, overwrite)  # nobody else can make it now
            _clear(self.part, left)
            os.close(os.open(self.part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
        except BaseException as error:
            self._lock.release()
            if isinstance(error, OSError):
                raise cannot_be_created(path, error) from error
            raise

    def name(self) -> None:
        """Give it its name. Raises TraceError where that was taken meanwhile."""
        check_target(self._told, self._overwrite)
        try:
            os.replace(self.part, self.path)
        except OSError as error:
            raise cannot_be_created(self._told, error) from error
        with suppress(OSError):  # some file systems cannot sync a folder
            sync(self.path.parent)

    def discard(self) -> None:
        """Remove what there is of a file that got no name."""
        with suppress(OSError):
            self.part.unlink(missing_ok=True)

    def release(self) -> None:
        """Let others write there; a second call does nothing."""
        self._lock.release()

    def _check_sources(self, sources: Sequence[Path]) -> None:
        for source in sources:
            if _same(self.path, source):
                raise _refusal(
                    f"{self._told}: expected a new file, found the trace itself ({source}); "
                    "choose another name"
                )
            if _same(self.part, source) or _same(lock_path(self.path), source):
                raise _refusal(
                    f"{self._told}: expected that its trace has another name than {source}, under which the "
                    "new file would be made; rename the trace or choose another name"
                )


@contextmanager
def new_file(path: Path, *, overwrite: bool = False, sources: Sequence[Path] = ()) -> Iterator[NewFile]:
    """A file to be made: it gets its name where the block ends well, and is removed otherwise.

    Raises TraceError as NewFile does.
    """
    made = NewFile(path, overwrite=overwrite, sources=sources)
    try:
        try:
            yield made
            made.name()
        except BaseException:
            made.discard()
            raise
    finally:
        made.release()


def check_target(path: Path, overwrite: bool) -> None:
    """Raises TraceError where a file of that name cannot be begun."""
    if os.path.isdir(path):
        raise _refusal(f"{path}: expected the name of a file, found a folder; add a file name")
    taken = os.path.exists(path)  # unlike Path.exists without an error for a name that cannot be
    if taken and not os.path.isfile(path):
        raise _refusal(f"{path}: expected the name of a file, found a device or FIFO; choose another name")
    if taken and not overwrite:
        raise _refusal(
            f"{path}: expected a new file, found one that exists; "
            "choose another name or add --overwrite (overwrite=True)"
        )
    if not taken and os.path.islink(path):
        raise _refusal(f"{path}: expected a new file, found a link that leads nowhere; choose another name")


def cannot_be_created(path: Path, error: Exception) -> TraceError:
    """The one-line error for what the system says where a file is begun."""
    advice = "choose a folder that has room and that you can write to"
    if isinstance(error, ValueError) or getattr(error, "errno", None) == ENAMETOOLONG:
        advice = "choose another name"
    return _refusal(f"{path}: cannot be created ({first_line(error)}); {advice}")


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refusal(text: str) -> TraceError:
    return TraceError(printable(text))


def _require_folder(path: Path, real: Path) -> None:
    """Refuse a path that leads through something else than folders."""
    for folder in real.parents:
        if os.path.isdir(folder):
            return
        if os.path.lexists(folder):
            raise _refusal(
                f"{path}: expected a folder to put it in, found that {folder} is none; choose another"
            )


def _locked(path: Path, real: Path) -> WriterLock:
    real.parent.mkdir(parents=True, exist_ok=True)
    lock = lock_path(real)
    if os.path.lexists(lock) and (lock.is_symlink() or not lock.is_file() or lock.stat().st_size):
        raise _refusal(
            f"{lock}: expected no such file or the empty one of a writer, found another; move it away"
        )
    try:
        return WriterLock(real)
    except BlockingIOError:
        raise _refusal(
            f"{path}: expected a file that nobody writes, found one that is being written; "
            "wait until that has ended or choose another name"
        ) from None


def _clear(part: Path, left: bool) -> None:
    """Remove what a killed writer left. left: whether its lock lay there, which tells whose it is."""
    if not os.path.lexists(part):
        return
    if not left or part.is_symlink() or not part.is_file() or is_being_written(part):
        raise _refusal(
            f"{part}: expected no such file or what a killed process left, found another; move it away"
        )
    part.unlink()


def _same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):  # one of them does not exist
        return False
