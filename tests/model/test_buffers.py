"""Lent buffers: aligned, not shared while anybody looks, and used again afterwards."""

import gc

import torch

from samviz.model.buffers import LINE, BufferPool

SHAPES = [((3, 5), torch.float32), ((2,), torch.int32), ((0, 4), torch.float64), ((7,), torch.float64)]


def test_tensors_have_their_shapes_and_do_not_overlap() -> None:
    tensors = BufferPool().lend(SHAPES)
    assert [(tuple(tensor.shape), tensor.dtype) for tensor in tensors] == SHAPES
    for number, tensor in enumerate(tensors):
        assert tensor.data_ptr() % LINE == 0 or 0 in tensor.shape
        tensor.fill_(number)
    assert all((tensor == number).all() for number, tensor in enumerate(tensors))


def test_a_buffer_is_used_again_only_after_its_last_view_is_gone() -> None:
    pool = BufferPool()
    tensors = pool.lend(SHAPES)
    place, kept = tensors[0].data_ptr(), tensors[3][2:4]
    assert pool.lent_bytes() == 3 * LINE
    del tensors
    gc.collect()
    assert pool.lend(SHAPES)[0].data_ptr() != place
    del kept
    gc.collect()
    assert pool.lent_bytes() == 0
    both = [pool.lend(SHAPES), pool.lend(SHAPES)]
    assert place in [tensors[0].data_ptr() for tensors in both]
    assert pool.most_lent_bytes() == 2 * 3 * LINE
    pool.forget_most_lent()
    assert pool.most_lent_bytes() == pool.lent_bytes()


def test_what_autograd_still_needs_is_not_lent() -> None:
    pool = BufferPool()
    [tensor] = pool.lend([((4,), torch.float32)])
    place = tensor.fill_(2.0).data_ptr()
    weight = torch.ones(4, requires_grad=True)
    loss = (weight * tensor).sum()
    del tensor
    assert pool.lend([((4,), torch.float32)])[0].fill_(9).data_ptr() != place
    loss.backward()
    assert (weight.grad == 2).all()


def test_a_small_wish_does_not_take_a_large_buffer() -> None:
    pool = BufferPool()
    large = pool.lend([((2**21,), torch.float64)])
    place = large[0].data_ptr()
    del large
    assert pool.lend([((4,), torch.float64)])[0].data_ptr() != place
