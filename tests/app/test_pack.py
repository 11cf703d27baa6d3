"""What is packed is unpacked, aligned, and of a dtype that the browser knows."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import samviz.app.stage
from samviz.app.stage.pack import ALIGNMENT, DTYPES, pack, unpack

JS = Path(samviz.app.stage.__file__).parent / "js"


def test_round_trip() -> None:
    arrays = {
        "bytes": np.arange(5, dtype=np.uint8),
        "rows": np.arange(-6, 6, dtype=np.int16).reshape(3, 4),
        "empty": np.zeros((0, 3), np.int32),
        "strided": np.arange(20, dtype=np.float32)[::3],
    }
    header, found = unpack(pack({"name": "ä</script>", "n": 3}, arrays))
    assert header == {"name": "ä</script>", "n": 3}
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_every_array_is_aligned() -> None:
    message = pack({"text": "x" * 3}, {"a": np.zeros(3, np.uint8), "b": np.zeros(2, np.float32)})
    length = int.from_bytes(message[:4], "little")
    assert (4 + length) % ALIGNMENT == 0
    for entry in json.loads(message[4 : 4 + length])["arrays"].values():
        assert entry["offset"] % ALIGNMENT == 0


@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.bool_, np.float16])
def test_other_dtypes_are_refused_by_name(dtype: type) -> None:
    with pytest.raises(TypeError, match="array steps: expected one of uint8"):
        pack({}, {"steps": np.zeros(2, dtype)})


def test_the_browser_knows_the_same_dtypes() -> None:
    table = re.search(r"ARRAY_TYPES = \{(.*?)\}", (JS / "decode.js").read_text(), re.DOTALL)
    assert table
    assert tuple(re.findall(r"(\w+):", table[1])) == DTYPES


def test_no_script_writes_html() -> None:
    home = Path(samviz.app.stage.__file__).parents[1] / "home" / "home.js"
    for script in [*JS.glob("*.js"), home]:
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script.read_text()
        ), script
