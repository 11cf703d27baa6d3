"""Nothing in a new trace is without a checksum but the commit records."""

from pathlib import Path

import pytest

from samviz.errors import TraceError
from samviz.trace import open_trace
from tests.builders import make_dimensions, recorder_for


@pytest.mark.parametrize("length", [100, 5_000, 59_000])
def test_a_flipped_bit_in_the_meta_is_found_however_long_it_is(tmp_path: Path, length: int):
    path = tmp_path / "run.h5"
    recorder_for(path, make_dimensions(), meta={"user": "Q" * length}).close()
    with open_trace(path) as trace:
        assert trace.meta["user"] == "Q" * length
    data = bytearray(path.read_bytes())
    data[data.index(b"QQQQ") + length // 2] ^= 1
    (tmp_path / "damaged.h5").write_bytes(data)
    with pytest.raises(TraceError, match="incorrect metadata checksum"):
        open_trace(tmp_path / "damaged.h5")
