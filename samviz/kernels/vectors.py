"""Vector instructions that the compiler does not find by itself, spelled out as portable LLVM vectors.

A page holds PAGE words of small integers, dimension by dimension: one vector holds one dimension of all of
them, so that a query is scored against the whole page with one multiplication and one addition a dimension
and no sum across lanes. numba has no vector types, and its integer sums grow to 64 bits; hence the
intrinsics. This is six times as fast as the same loops written in numba.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

PAGE = 32  # words in a page

_I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_SCORES = ir.VectorType(_I16, PAGE)
_LINE = 64  # bytes that arrive together


def _instructions(generator: Callable[..., Any]) -> Any:
    """Decorate a function that writes the instructions of a kernel."""
    return intrinsic(generator)


def _data(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    return context.make_array(kind)(context, builder, array)


def _spread(builder: Any, number: Any) -> Any:
    """A vector with the number in every lane."""
    empty = ir.Constant(_SCORES, ir.Undefined)
    first = builder.insert_element(empty, number, _I32(0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(_I32, PAGE), [0] * PAGE))


def _as_index(context: Any, builder: Any, kind: Any, number: Any) -> Any:
    return context.cast(builder, number, kind, types.int64)


def _above(builder: Any, scores: Any, bar: Any) -> Any:
    above = builder.icmp_signed(">", scores, _spread(builder, bar))
    return builder.zext(builder.bitcast(above, ir.IntType(PAGE)), _I64)


@_instructions
def score_page(typing: Any, codes: Any, page: Any, query: Any, out: Any, start: Any, bar: Any) -> Any:
    """Score a query against the words of one page; returns those above the bar as bits.

    Sums are modulo 2^16: they are right if |query| |word| < 2^15.

    Args:
        codes: int8 [P, W, PAGE] contiguous; page: which of the P.
        query: int16 [W]; out: int16 array, [start : start + PAGE] is filled; bar: int16.
    """
    signature = types.int64(codes, page, query, out, start, bar)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        code = _data(context, builder, kinds[0], arguments[0])
        vector = _data(context, builder, kinds[2], arguments[2])
        target = _data(context, builder, kinds[3], arguments[3])
        words = builder.extract_value(vector.shape, 0)
        first = builder.mul(_as_index(context, builder, kinds[1], arguments[1]), words)
        before = builder.block
        loop = builder.append_basic_block("dimension")
        after = builder.append_basic_block("scored")
        builder.branch(loop)
        builder.position_at_end(loop)
        d, total = builder.phi(_I64), builder.phi(_SCORES)
        row = builder.gep(code.data, [builder.mul(builder.add(first, d), _I64(PAGE))])
        values = builder.load(builder.bitcast(row, ir.VectorType(_I8, PAGE).as_pointer()), align=1)
        factor = _spread(builder, builder.load(builder.gep(vector.data, [d])))
        grown = builder.add(total, builder.mul(builder.sext(values, _SCORES), factor))
        following = builder.add(d, _I64(1))
        d.add_incoming(_I64(0), before)
        d.add_incoming(following, loop)
        total.add_incoming(ir.Constant(_SCORES, [0] * PAGE), before)
        total.add_incoming(grown, loop)
        builder.cbranch(builder.icmp_signed("<", following, words), loop, after)
        builder.position_at_end(after)
        place = builder.gep(target.data, [_as_index(context, builder, kinds[4], arguments[4])])
        builder.store(grown, builder.bitcast(place, _SCORES.as_pointer()), align=2)
        return _above(builder, grown, context.cast(builder, arguments[5], kinds[5], types.int16))

    return signature, generate


@_instructions
def bits_above(typing: Any, scores: Any, start: Any, bar: Any) -> Any:
    """Which of scores[start : start + PAGE], int16, are above the bar, as bits."""
    signature = types.int64(scores, start, bar)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        source = _data(context, builder, kinds[0], arguments[0])
        place = builder.gep(source.data, [_as_index(context, builder, kinds[1], arguments[1])])
        values = builder.load(builder.bitcast(place, _SCORES.as_pointer()), align=2)
        return _above(builder, values, context.cast(builder, arguments[2], kinds[2], types.int16))

    return signature, generate


@_instructions
def fetch_ahead(typing: Any, codes: Any, page: Any) -> Any:
    """Ask for a page of `codes` [P, W, PAGE], to be there when it is scored."""
    signature = types.void(codes, page)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code = _data(context, builder, signature.args[0], arguments[0])
        size = builder.mul(builder.extract_value(code.shape, 1), _I64(PAGE))
        first = builder.mul(_as_index(context, builder, signature.args[1], arguments[1]), size)
        start = builder.gep(code.data, [first])
        kind = ir.FunctionType(ir.VoidType(), [start.type, _I32, _I32, _I32])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [start.type], kind)
        before = builder.block
        loop = builder.append_basic_block("line")
        after = builder.append_basic_block("fetched")
        builder.branch(loop)
        builder.position_at_end(loop)
        offset = builder.phi(_I64)
        builder.call(prefetch, [builder.gep(start, [offset]), _I32(0), _I32(2), _I32(1)])
        following = builder.add(offset, _I64(_LINE))
        offset.add_incoming(_I64(0), before)
        offset.add_incoming(following, loop)
        builder.cbranch(builder.icmp_signed("<", following, size), loop, after)
        builder.position_at_end(after)
        return context.get_dummy_value()

    return signature, generate


@_instructions
def count_bits(typing: Any, bits: Any) -> Any:
    """How many bits of an int64 are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.int64), generate


@_instructions
def lowest_bit(typing: Any, bits: Any) -> Any:
    """The number of the lowest set bit of an int64 that is not 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), generate
