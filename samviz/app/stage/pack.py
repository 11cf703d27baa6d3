"""One message to the browser: u32 header length, JSON header, aligned little-endian arrays."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 8
DTYPES = ("uint8", "int16", "int32", "float32")  # the typed arrays decode.js knows

Arrays = Mapping[str, NDArray[Any]]


def pack(header: Mapping[str, Any], arrays: Arrays) -> bytes:
    """Header fields and named arrays as bytes; `unpack` and js/decode.js read them back."""
    table, blobs, offset = {}, [], 0
    for name, array in arrays.items():
        if array.dtype.name not in DTYPES:
            raise TypeError(f"array {name}: expected one of {', '.join(DTYPES)}, found {array.dtype.name}")
        blob = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        table[name] = {"dtype": array.dtype.name, "shape": array.shape, "offset": offset}
        blobs.append(blob + bytes(-len(blob) % ALIGNMENT))
        offset += len(blobs[-1])
    text = json.dumps({**header, "arrays": table}, allow_nan=False).encode()
    text += b" " * (-(4 + len(text)) % ALIGNMENT)
    return len(text).to_bytes(4, "little") + text + b"".join(blobs)


def unpack(message: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The header and the arrays of a packed message."""
    length = int.from_bytes(message[:4], "little")
    header = json.loads(message[4 : 4 + length])
    arrays = {}
    for name, at in header.pop("arrays").items():
        count = int(np.prod(at["shape"]))
        flat = np.frombuffer(message, at["dtype"], count, 4 + length + at["offset"])
        arrays[name] = flat.reshape(at["shape"])
    return header, arrays
