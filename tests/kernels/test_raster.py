"""Division by multiplication, which the columns of a picture rest on, and its limits."""

from hypothesis import example, given
from hypothesis import strategies as st

from samviz.kernels.raster import divisor


def divided(number: int, most: int, value: int) -> int:
    """What the kernel computes, in Python's numbers; 64 bits must hold it."""
    by = divisor(number, most)
    if by.multiplier == 0:
        return value // number
    product = value * int(by.multiplier)
    assert product < 2**64
    return product >> int(by.shift)


@given(number=st.integers(1, 2**40), most=st.integers(0, 2**40), share=st.floats(0, 1))
@example(number=1, most=2**31, share=1.0)
@example(number=2**31, most=2**31, share=1.0)
def test_multiplying_divides(number: int, most: int, share: float) -> None:
    near = int(share * most) // number * number
    for value in {0, most, near, max(near - 1, 0), min(near + number - 1, most)}:
        assert divided(number, most, value) == value // number


def test_what_fits_into_32_bits_is_never_divided() -> None:
    for number in (1, 3, 20, 39_080, 2**31 - 1):
        assert divisor(number, 2**31 - 1).multiplier > 0
