"""Omniglot: learn the names of new characters from a few drawings (paper 4.5; Santoro et al. 2016)."""

from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from samviz.errors import ConfigError
from samviz.tasks.omniglot_drawings import LAYOUT, Drawings, load_drawings
from samviz.tasks.omniglot_warp import warp
from samviz.tasks.task import Batch, Field

FEWEST_CHARACTERS = 2  # with one there would be nothing to tell apart
LARGEST_SIDE = 105  # pixels of the published drawings


@dataclass(frozen=True, kw_only=True)
class Omniglot:
    """n characters, each drawn `presentations` times, in random order: T = n * presentations.

    A step shows a drawing and the label of the drawing before; its answer is the label of this drawing.
    The labels are random in every episode, so the first drawing of a character can only be guessed.

    A character is turned by the same random multiple of 90 degrees in all of an episode, which makes new
    characters of it, and each of its drawings is warped on its own. No drawing is shown twice. Characters
    that are held out are warped like the others, as in Santoro et al.

    Nothing is read before the first drawing is needed: a checkpoint is loaded without the data.

    Raises:
        ConfigError: a setting that does not fit; when data is needed: none given, damaged, or too little.
    """

    data: str = ""  # a folder or a zip file
    min_items: int = 2  # characters of an episode
    max_items: int = 5
    labels: int = 20  # that an episode draws those of its characters from
    presentations: int = 10
    pixels: int = 20
    fingerprint: str = field(default="", compare=False)  # of the characters that a model was trained on
    unseen: bool = False  # draw the characters that are held out, and no others

    name = "omniglot"
    output_kind = "classes"
    unit = "label"
    episodes = None
    source_size = 1

    def __post_init__(self) -> None:
        least = {"min_items": FEWEST_CHARACTERS, "max_items": self.min_items, "labels": self.max_items}
        for setting in ("min_items", "max_items", "labels", "presentations", "pixels"):
            value, wanted = getattr(self, setting), least.get(setting, 1)
            if not isinstance(value, int) or value < wanted:
                raise ConfigError(f"{setting} must be a whole number of at least {wanted}, found {value!r}")
        if not isinstance(self.data, str):
            raise ConfigError(f"data must be a path as text, found {self.data!r}")
        if self.pixels > LARGEST_SIDE:
            raise ConfigError(f"pixels must be at most {LARGEST_SIDE}, found {self.pixels}")

    @property
    def description(self) -> str:
        """What is shown and what must be answered."""
        return (
            f"{self.min_items} to {self.max_items} characters, {self.presentations} drawings of each in "
            "random order; answer its label, which is new in every episode and shown one step late."
        )

    @property
    def groups(self) -> tuple[str, ...]:
        """How often the character was presented, this time included."""
        return tuple(f"{_ordinal(nth)} presentation" for nth in range(1, self.presentations + 1))

    @property
    def input_fields(self) -> tuple[Field, ...]:
        """The drawing, then the label of the drawing before."""
        end, shape = self.pixels**2, (self.pixels, self.pixels)
        return (
            Field("drawing", "image", 0, end, shape=shape),
            Field("last label", "words", end, end + self.labels, labels=self._words),
        )

    @property
    def output_fields(self) -> tuple[Field, ...]:
        """The label."""
        return (Field("label", "words", 0, self.labels, labels=self._words),)

    @property
    def levels(self) -> range:
        """How many characters an episode can have: as many as there are characters and labels for them."""
        known = len(self._pool) if self.data else self.labels
        return range(FEWEST_CHARACTERS, min(self.labels, known) + 1)

    def settings(self) -> dict[str, Any]:
        """The settings as plain values, for JSON; once the data was read, with its fingerprint."""
        was_read = "_drawings" in vars(self)
        return asdict(self) | ({"fingerprint": self._drawings.fingerprint} if was_read else {})

    def held_out(self) -> Self:
        """The task over every fifth character of each alphabet, which training never draws."""
        return replace(self, unseen=True)

    def episode(self, number: int) -> Batch:
        """The episode that its number determines, B = 1."""
        return self.sample(np.random.default_rng(number), 1)

    def sample(self, random: np.random.Generator, batch: int, level: int | None = None) -> Batch:
        """B random episodes of as many characters. The source of an answer is a step that showed its label.

        That is the step after the latest presentation of the same character, -1 where there is none. Where
        that is the answering step itself, whose own input shows the label, the presentation before counts.
        """
        self._require(self.max_items if level is None else level)
        n = int(random.integers(self.min_items, self.max_items + 1)) if level is None else level
        plans = [self._plan(random, n) for _ in range(batch)]
        drawing, turns, label, nth, source = (
            torch.from_numpy(np.stack(values, axis=1)) for values in zip(*plans, strict=True)
        )  # each [T, B]
        images = warp(self._drawings.ink[drawing.flatten()], turns.flatten(), random, self.pixels)
        targets = functional.one_hot(label, self.labels).float()
        last = torch.cat([torch.zeros_like(targets[:1]), targets[:-1]])
        inputs = torch.cat([images.view(*label.shape, -1), last], dim=-1)
        question = torch.arange(len(label), dtype=torch.int32)[:, None].repeat(1, batch)
        return Batch(inputs, targets, question, source[..., None].int(), nth.int())

    def _plan(self, random: np.random.Generator, n: int) -> "_Plan":
        """An episode of n characters."""
        characters, starts = random.choice(self._pool, n, replace=False), self._drawings.starts
        labels, turns = random.choice(self.labels, n, replace=False), random.integers(0, 4, n)
        order = random.permutation(np.repeat(np.arange(n), self.presentations))  # [T]
        steps = order.argsort(kind="stable").reshape(n, -1)  # [n, presentations], of each character
        drawing, nth, source = np.empty((3, len(order)), np.int64)
        for character, its_steps in zip(characters, steps, strict=True):
            those = np.arange(starts[character], starts[character + 1])
            drawing[its_steps] = random.choice(those, self.presentations, replace=False)
        nth[steps] = np.arange(self.presentations)
        shown = np.pad(steps + 1, ((0, 0), (2, 0)), constant_values=-1)
        source[steps] = np.where(shown[:, 1:-1] < steps, shown[:, 1:-1], shown[:, :-2])
        return _Plan(drawing, turns[order], labels[order], nth, source)

    @cached_property
    def _drawings(self) -> Drawings:
        """The drawings, read when first needed."""
        if not self.data:
            raise ConfigError(
                f"task omniglot needs its data: add --data PATH, a folder or zip file that holds {LAYOUT}"
            )
        drawings = load_drawings(Path(self.data), min(2 * self.pixels, LARGEST_SIDE))
        counts = np.diff(drawings.starts)
        if counts.min() < self.presentations:
            raise ConfigError(
                f"{self.data}: expected at least {self.presentations} drawings of each character, "
                f"found {counts.min()} of {drawings.names[counts.argmin()]}: complete the files"
            )
        if self.fingerprint not in ("", drawings.fingerprint):
            raise ConfigError(
                f"{self.data}: expected the characters that the model was trained on, found others: it "
                "would be tested on some that it knows; give the same files as in training"
            )
        return drawings

    @cached_property
    def _pool(self) -> NDArray[np.int64]:
        """The characters that episodes are made of."""
        pool = np.flatnonzero(self._drawings.held_out == self.unseen)
        if len(pool) < FEWEST_CHARACTERS:
            raise ConfigError(
                f"{self.data}: expected at least {FEWEST_CHARACTERS} characters {self._which} (every "
                f"fifth of an alphabet is held out), found {len(pool)}: give more alphabets"
            )
        return pool

    def _require(self, characters: int) -> None:
        """Raise ConfigError where an episode cannot have as many."""
        if characters not in self.levels:
            raise ConfigError(
                f"{self.data}: expected episodes of {self.levels[0]} to {self.levels[-1]} characters, as "
                f"there are {len(self._pool)} {self._which} and {self.labels} labels, found {characters}: "
                "change max_items"
            )

    @property
    def _which(self) -> str:
        return "that are held out" if self.unseen else "to train on"

    @property
    def _words(self) -> tuple[str, ...]:
        return tuple(str(label) for label in range(1, self.labels + 1))


class _Plan(NamedTuple):
    """What an episode shows, each [T] int64."""

    drawing: NDArray[np.int64]
    quarter_turns: NDArray[np.int64]
    label: NDArray[np.int64]
    nth: NDArray[np.int64]  # how often its character was presented before
    source: NDArray[np.int64]


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
