"""Drawings turned and shifted at random (Santoro et al. 2016) and stretched (Rae et al. 2016, 4.5)."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

LARGEST_ANGLE = 15  # degrees
LARGEST_STRETCH = 0.2  # of its width, and of its height
LARGEST_SHIFT = 0.1  # of the image's side
CHUNK = 256  # drawings that are resampled at once, to stay in the cache


def warp(ink: Tensor, quarter_turns: Tensor, random: np.random.Generator, pixels: int) -> Tensor:
    """Drawings as the model sees them: [n, pixels, pixels] in 0 .. 1.

    Each is stretched along its own axes, turned and shifted. One that would leave the image is moved back
    and, where it is too large, made smaller, so that no stroke is cut off.

    Args:
        ink: [n, S, S] uint8.
        quarter_turns: [n], by how many times 90 degrees each is turned, besides its small angle.
        random: the source of all else.
        pixels: the side of the images.
    """
    n = len(ink)
    angle = np.deg2rad(90 * quarter_turns.numpy() + random.uniform(-LARGEST_ANGLE, LARGEST_ANGLE, n))
    stretch = random.uniform(1 - LARGEST_STRETCH, 1 + LARGEST_STRETCH, (n, 1, 2))
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], -1).reshape(n, 2, 2)
    shift = random.uniform(-2 * LARGEST_SHIFT, 2 * LARGEST_SHIFT, (n, 2))  # in coordinates from -1 to 1
    moves = (torch.from_numpy(turn * stretch).float(), torch.from_numpy(shift).float())
    chunks = zip(*(each.split(CHUNK) for each in (ink, *moves)), strict=True)
    return torch.cat([_resample(part, _keep_inside(part, *moves), pixels) for part, *moves in chunks])


def _keep_inside(ink: Tensor, maps: Tensor, shift: Tensor) -> Tensor:
    """[n, 2, 3], from drawing to image: the map, made smaller where it must be, and a shift that fits."""
    low, high = _box(ink)
    reach = (maps.abs() @ ((high - low) / 2)[..., None])[..., 0]  # [n, 2], half the sides of the new box
    smaller = 1 / reach.amax(-1).clamp(min=1)  # [n]
    maps, room = maps * smaller[:, None, None], (1 - reach * smaller[:, None]).clamp(min=0)
    centre = (maps @ ((high + low) / 2)[..., None])[..., 0]
    shift = (centre + shift).clamp(-room, room) - centre
    return torch.cat([maps, shift[..., None]], -1)


def _box(ink: Tensor) -> tuple[Tensor, Tensor]:
    """Where the ink begins and ends, each [n, 2] as (x, y), in [-1, 1]."""
    side = ink.shape[-1]
    marks = torch.stack([ink.amax(-2), ink.amax(-1)], dim=1) > 0  # [n, 2, S]
    first, last = marks.int().argmax(-1), side - marks.flip(-1).int().argmax(-1)
    return 2 * first / side - 1, 2 * last / side - 1


def _resample(ink: Tensor, maps: Tensor, pixels: int) -> Tensor:
    """The drawings under maps [n, 2, 3]: [n, pixels, pixels]; a pixel is the mean of four samples."""
    back = torch.linalg.inv(maps[:, :, :2])
    back = torch.cat([back, -back @ maps[:, :, 2:]], -1)  # [n, 2, 3], from image to drawing
    points = functional.grid_sample(ink[:, None].float() / 255, _grid(back, 2 * pixels), align_corners=False)
    return functional.avg_pool2d(points, 2)[:, 0].clamp(0, 1)


def _grid(maps: Tensor, side: int) -> Tensor:
    """`affine_grid`, which takes longer than all the rest: [n, side, side, 2]."""
    middles = (2 * torch.arange(side) + 1) / side - 1  # of the points, in [-1, 1]
    along_x, along_y = (maps[:, :, :2, None] * middles).unbind(2)  # [n, 2, side]
    return ((along_y + maps[:, :, 2:])[..., None] + along_x[:, :, None]).permute(0, 2, 3, 1)
