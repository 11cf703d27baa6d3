"""Sizes as people write and read them: 64k slots, 1.1 MiB, 58 us."""

from samviz.errors import ConfigError

FACTORS = {"k": 2**10, "m": 2**20, "g": 2**30}


def parse_size(text: str) -> int:
    """A whole number of at least 1; the suffixes k, M and G stand for 2^10, 2^20 and 2^30.

    Raises:
        ConfigError: anything else.
    """
    digits, factor = text.strip(), 1
    if digits[-1:].lower() in FACTORS:
        digits, factor = digits[:-1], FACTORS[digits[-1].lower()]
    if not (digits.isascii() and digits.isdecimal() and int(digits) > 0):
        raise ConfigError(f"expected a size such as 1024, 64k or 1M, found {text!r}")
    return int(digits) * factor


def size_name(size: int) -> str:
    """65536 as 64k; what is no multiple of 1,024 in full."""
    for suffix, factor in (("M", 2**20), ("k", 2**10)):
        if size and size % factor == 0:
            return f"{size // factor:,}{suffix}"
    return f"{size:,}"


def bytes_name(size: float) -> str:
    """Bytes in the largest binary unit that leaves a number of at least 1."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{significant(size)} {unit}"
        size /= 1024
    return f"{significant(size)} TiB"


def time_name(microseconds: float) -> str:
    """Microseconds in the unit that people would say."""
    for unit, factor in (("us", 1.0), ("ms", 1e3)):
        if microseconds < 999.5 * factor:
            return f"{significant(microseconds / factor)} {unit}"
    return f"{significant(microseconds / 1e6)} s"


def ratio_name(ratio: float) -> str:
    """How many times as much."""
    return f"{significant(ratio)}×"


def significant(number: float) -> str:
    """Three digits, or all digits before the point."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def share_name(share: float) -> str:
    """A share of 1."""
    return f"{share:.2f}"
