"""The messages of an HDF5 object header, read by hand before HDF5 opens the object.

HDF5 follows a virtual layout, and names of external files, as soon as it opens a dataset, into heaps that
never end if a file says so. Traces have neither, so a look at the header is enough to keep it from that.
"""

import struct
from collections.abc import Callable, Iterator

_EXTERNAL_FILES, _LAYOUT, _CONTINUATION = 0x07, 0x08, 0x10
_VIRTUAL = 3
_SHARED = 0x02
_MOST_BYTES = 2**24

Read = Callable[[int, int], bytes]  # (start, size) to at most that many bytes of the file
Message = tuple[int, int, bytes]  # type, flags, content


def lies_elsewhere(read: Read, address: int) -> bool:
    """Whether the object at that address keeps its data in other files or datasets.

    Raises ValueError where there is no object header, or one that never ends.
    """
    for kind, flags, content in messages(read, address):
        if kind == _EXTERNAL_FILES:
            return True
        if kind == _LAYOUT:
            version, second, third = content[:3].ljust(3, b"\0")
            if flags & _SHARED or (second if version >= 3 else third) == _VIRTUAL:
                return True
    return False


def messages(read: Read, address: int) -> Iterator[Message]:
    """All messages of the object header at that address; those that say where it goes on are followed.

    Raises ValueError as above.
    """
    first, prefix, tracked = _first_block(read, address)
    blocks, seen, total = [first], {first[0]}, 0
    while blocks:
        start, size = blocks.pop(0)
        total += size
        if total > _MOST_BYTES:
            raise ValueError("an object header that does not end")
        block = read(start, size)
        if len(block) < size:
            raise ValueError("an object header beyond the end of the file")
        for kind, flags, content in _messages_of(block, prefix, tracked):
            if kind == _CONTINUATION:
                at, length = struct.unpack("<QQ", content[:16].ljust(16, b"\0"))
                if at in seen:
                    raise ValueError("an object header that runs in a circle")
                seen.add(at)
                # from version 2 on a signature stands before the messages and a checksum after them
                blocks.append((at, length) if prefix == 8 else (at + 4, max(length - 8, 0)))
            yield kind, flags, content


def _first_block(read: Read, address: int) -> tuple[tuple[int, int], int, bool]:
    """(start, size) of the first messages, the bytes before each content, whether an order is among them."""
    start = read(address, 64)
    if start[:4] == b"OHDR" and len(start) > 40:
        flags = start[5]
        at = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(start[at : at + width], "little")
        return (address + at + width, size), 4, bool(flags & 4)
    if start[:1] == b"\1" and len(start) >= 16:
        return (address + 16, int.from_bytes(start[8:12], "little")), 8, False
    raise ValueError("no object header")


def _messages_of(block: bytes, prefix: int, tracked: bool) -> Iterator[Message]:
    at, before = 0, prefix + (2 if tracked else 0)
    while at + before <= len(block):
        if prefix == 8:
            kind, size, flags = struct.unpack_from("<HHB", block, at)
        else:
            kind, size, flags = struct.unpack_from("<BHB", block, at)
        at += before
        if at + size > len(block):
            raise ValueError("a message longer than its object header")
        yield kind, flags, block[at : at + size]
        at += size
