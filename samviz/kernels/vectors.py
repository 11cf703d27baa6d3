"""Vector instructions that the compiler does not find by itself, spelled out as portable LLVM vectors.

A page holds PAGE words of small integers, dimension by dimension: one vector holds one dimension of all of
them, so that a query is scored against the whole page with one multiplication and one addition a dimension
and no sum across lanes. numba has no vector types, and its integer sums grow to 64 bits; hence the
intrinsics. This is six times as fast as the same loops written in numba.

The words of the memory itself lie row by row, where sums across lanes cannot be avoided; but those of as many
rows as a vector has lanes can share their additions. This is three times as fast as one row at a time.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic

PAGE = 32  # words in a page

_I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_SCORES = ir.VectorType(_I16, PAGE)
LINE = 64  # bytes that arrive together; those of a vector of true numbers


def _instructions(generator: Callable[..., Any]) -> Any:
    """Decorate a function that writes the instructions of a kernel."""
    return intrinsic(generator)


def _data(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    return context.make_array(kind)(context, builder, array)


def _spread(builder: Any, number: Any, lanes: int) -> Any:
    """A vector with the number in every lane."""
    empty = ir.Constant(ir.VectorType(number.type, lanes), ir.Undefined)
    first = builder.insert_element(empty, number, _I32(0))
    return builder.shuffle_vector(first, empty, _pattern([0] * lanes))


def _pattern(lanes: list[int]) -> Any:
    return ir.Constant(ir.VectorType(_I32, len(lanes)), lanes)


def _as_index(context: Any, builder: Any, kind: Any, number: Any) -> Any:
    return context.cast(builder, number, kind, types.int64)


def _above(builder: Any, scores: Any, bar: Any) -> Any:
    above = builder.icmp_signed(">", scores, _spread(builder, bar, PAGE))
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
        factor = _spread(builder, builder.load(builder.gep(vector.data, [d])), PAGE)
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
        following = builder.add(offset, _I64(LINE))
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


@_instructions
def score_words(
    typing: Any, words: Any, norms: Any, first: Any, query: Any, length: Any, epsilon: Any, out: Any, bar: Any
) -> Any:
    """Score a query against as many words as a line has numbers; returns those above the bar as bits.

    A cosine that is not a number counts as above. Call it, and `line_product`, from code compiled exactly:
    fast sums would reach into them, and reorder the two differently.

    Args:
        words: [N, W], W at least the numbers of a line; norms: [N]; first: where the words begin.
        query: [W]; length: its norm; epsilon: added to the product of norms.
        out: a line, to fill with the cosines; bar: any number. All arrays are contiguous and of one type.
    """
    signature = types.int64(words, norms, first, query, length, epsilon, out, bar)
    _must_be_lines(words, norms, query, out)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number, kinds = context.get_value_type(words.dtype), signature.args
        lanes = LINE // context.get_abi_sizeof(number)
        line = ir.VectorType(number, lanes)
        start = _as_index(context, builder, kinds[2], arguments[2])
        word = _data(context, builder, kinds[0], arguments[0])
        vector = _data(context, builder, kinds[3], arguments[3])
        size = builder.extract_value(vector.shape, 0)
        places = [builder.mul(builder.add(start, _I64(i)), size) for i in range(lanes)]
        rows = [builder.gep(word.data, [place]) for place in places]
        products = _sum_lanes(builder, _multiply(builder, line, rows, vector.data, size))
        lengths = _load(builder, _data(context, builder, kinds[1], arguments[1]).data, start, line)
        length, epsilon, bar = (
            _spread(builder, context.cast(builder, arguments[i], kinds[i], words.dtype), lanes)
            for i in (4, 5, 7)
        )
        divisor = builder.fadd(builder.fmul(length, lengths), epsilon)
        cosines = builder.fdiv(products, divisor)
        target = _data(context, builder, kinds[6], arguments[6])
        builder.store(cosines, builder.bitcast(target.data, line.as_pointer()), align=1)
        above = builder.fcmp_unordered(">", cosines, bar)
        return builder.zext(builder.bitcast(above, ir.IntType(lanes)), _I64)

    return signature, generate


@_instructions
def line_product(typing: Any, word: Any, query: Any) -> Any:
    """The inner product of a word with a query, equal bit for bit to that inside `score_words`."""
    signature = word.dtype(word, query)
    _must_be_lines(word, query)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number = context.get_value_type(word.dtype)
        line = ir.VectorType(number, LINE // context.get_abi_sizeof(number))
        left, right = (_data(context, builder, word, array) for array in arguments)
        size = builder.extract_value(right.shape, 0)
        total = _sum_lanes(builder, _multiply(builder, line, [left.data], right.data, size))
        return builder.extract_element(total, _I32(0))

    return signature, generate


def _must_be_lines(*arrays: Any) -> None:
    for array in arrays:
        if array.layout != "C" or array.dtype != arrays[0].dtype:
            raise TypingError(f"expected contiguous arrays of one type, found {arrays}")


def _load(builder: Any, data: Any, place: Any, kind: Any) -> Any:
    start = builder.bitcast(builder.gep(data, [place]), kind.as_pointer())
    return builder.load(start, align=1)


def _multiply(builder: Any, line: Any, rows: list[Any], query: Any, size: Any) -> list[Any]:
    """Multiply rows with a query and add up what is a line apart; no sum across lanes yet.

    The last line is taken first. Where it overlaps the line before, the query counts as 0 there.
    """
    last = builder.sub(size, _I64(line.count))
    overlap = builder.and_(builder.neg(size), _I64(line.count - 1))
    lanes = ir.Constant(ir.VectorType(_I64, line.count), list(range(line.count)))
    fresh = builder.icmp_signed(">=", lanes, _spread(builder, overlap, line.count))
    factor = builder.select(fresh, _load(builder, query, last, line), ir.Constant(line, [0.0] * line.count))
    firsts = [builder.fmul(_load(builder, row, last, line), factor) for row in rows]
    before = builder.block
    loop = builder.append_basic_block("line")
    body = builder.append_basic_block("multiply")
    after = builder.append_basic_block("multiplied")
    builder.branch(loop)
    builder.position_at_end(loop)
    d, totals = builder.phi(_I64), [builder.phi(line) for _ in rows]
    builder.cbranch(builder.icmp_signed("<", d, last), body, after)
    builder.position_at_end(body)
    factor = _load(builder, query, d, line)
    d.add_incoming(_I64(0), before)
    d.add_incoming(builder.add(d, _I64(line.count)), body)
    for row, total, first in zip(rows, totals, firsts, strict=True):
        total.add_incoming(first, before)
        total.add_incoming(builder.fadd(total, builder.fmul(_load(builder, row, d, line), factor)), body)
    builder.branch(loop)
    builder.position_at_end(after)
    return totals


def _sum_lanes(builder: Any, vectors: list[Any]) -> Any:
    """Sum one vector, or as many as they have lanes; lane i of the result is the sum of vector i.

    Lanes half a vector apart are added first, of two vectors at a time, then those a quarter apart, and so
    on. Every vector is summed in the same order, alone or among others.
    """
    apart = vectors[0].type.count // 2
    while apart:
        count = max(len(vectors) // 2, 1)
        pairs = zip(vectors[:count], vectors[-count:], strict=True)
        vectors = [_fold(builder, one, other, apart) for one, other in pairs]
        apart //= 2
    return vectors[0]


def _fold(builder: Any, one: Any, other: Any, apart: int) -> Any:
    """Add those lanes of two vectors that are so far apart; the other's sums take the place of the higher."""
    lanes = one.type.count
    low = [i if not i & apart else lanes + i - apart for i in range(lanes)]
    high = [lane + apart for lane in low]
    return builder.fadd(
        builder.shuffle_vector(one, other, _pattern(low)), builder.shuffle_vector(one, other, _pattern(high))
    )
