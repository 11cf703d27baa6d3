"""Omniglot keeps the laws of its task, whatever files the drawings lie in, and refuses damaged ones."""

import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from samviz.errors import ConfigError
from samviz.tasks import input_size, output_size
from samviz.tasks import omniglot_drawings as drawings_module
from samviz.tasks import omniglot_warp as warp_module
from samviz.tasks.omniglot import Omniglot
from samviz.tasks.omniglot_drawings import load_drawings

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "omniglot"
SIZES = {"Alpha": 11, "Beta": 4, "Gamma": 5}  # characters of each alphabet
DRAWINGS = 6  # of each character
HELD_OUT = ["Alpha/character05", "Alpha/character10", "Gamma/character05"]


def png(ink: np.ndarray) -> bytes:
    """A PNG file of [S, S] uint8, 255 ink."""
    file = BytesIO()
    Image.fromarray(255 - ink).save(file, "PNG")
    return file.getvalue()


def drawing(character: int, nth: int) -> np.ndarray:
    """A flag on a pole, as dark as its character's number says, and of another length in each drawing."""
    ink = np.zeros((40, 40), np.uint8)
    ink[8:32, 10:14] = ink[8:16, 10 : 24 + nth] = 255 - 10 * character
    return ink


def which(image: torch.Tensor) -> torch.Tensor:
    """The character of a drawing, by how dark it is: [...] of [..., P, P]."""
    return ((1 - image.amax((-2, -1))) * 25.5).round().long()


def files() -> dict[str, bytes]:
    """Name and content of all PNG files."""
    names = [f"{name}/character{i:02}" for name, count in SIZES.items() for i in range(1, count + 1)]
    return {
        f"{name}/{nth:02}.png": png(drawing(character, nth))
        for character, name in enumerate(names)
        for nth in range(DRAWINGS)
    }


def write_folder(folder: Path, content: dict[str, bytes]) -> Path:
    for name, data in content.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return folder


def write_zip(path: Path, content: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(f"{path.stem}/{name}", data)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("omniglot"), files())


@pytest.fixture(scope="module")
def task(folder: Path) -> Omniglot:
    return Omniglot(data=str(folder), presentations=4)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawings are turned by quarters and no further."""
    for name in ("LARGEST_ANGLE", "LARGEST_STRETCH", "LARGEST_SHIFT"):
        monkeypatch.setattr(warp_module, name, 0)


def characters_of(task: Omniglot, seeds: range) -> set[int]:
    """Which characters were drawn, by how dark they are."""
    pixels = task.pixels
    samples = (task.sample(np.random.default_rng(seed), 2).inputs for seed in seeds)
    return {
        int(c) for x in samples for c in which(x[..., : pixels**2].unflatten(-1, (pixels, pixels))).unique()
    }


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    batch=st.integers(1, 4),
    low=st.integers(2, 6),
    more=st.integers(0, 6),
    presentations=st.integers(1, DRAWINGS),
    pixels=st.integers(8, 24),
)
def test_laws(
    folder: Path, seed: int, batch: int, low: int, more: int, presentations: int, pixels: int
) -> None:
    task = Omniglot(
        data=str(folder),
        min_items=low,
        max_items=low + more,
        labels=13,
        presentations=presentations,
        pixels=pixels,
    )
    drawn, again = (task.sample(np.random.default_rng(seed), batch) for _ in range(2))
    assert all(torch.equal(*pair) for pair in zip(drawn, again, strict=True))
    steps, n = len(drawn.inputs), len(drawn.inputs) // presentations
    assert low <= n <= low + more
    assert drawn.inputs.shape == (steps, batch, input_size(task))
    assert drawn.targets.shape == (steps, batch, output_size(task))
    assert torch.equal(drawn.question, torch.arange(steps, dtype=torch.int32)[:, None].expand(-1, batch))
    assert drawn.source.shape == (steps, batch, task.source_size)
    assert [x.dtype for x in (drawn.question, drawn.source, drawn.group)] == [torch.int32] * 3
    images, last = drawn.inputs.split([pixels**2, 13], dim=-1)
    assert images.min() >= 0
    assert images.max() <= 1
    assert (drawn.targets.sum(-1) == 1).all()
    assert (last[0] == 0).all()
    assert torch.equal(last[1:], drawn.targets[:-1])
    for b in range(batch):
        label = drawn.targets[:, b].argmax(-1)
        found, counts = label.unique(return_counts=True)
        assert len(found) == n
        assert (counts == presentations).all()
        for t in range(steps):
            before = (label[:t] == label[t]).nonzero()[:, 0]
            assert drawn.group[t, b] == len(before)
            shown = before[before < t - 1] + 1  # the last label before is in this step's own input
            assert drawn.source[t, b, 0] == (shown[-1] if len(shown) else -1)


@pytest.mark.usefixtures("still")
def test_a_label_is_one_character_in_an_episode_and_another_in_the_next(task: Omniglot) -> None:
    labels_of: dict[int, set[int]] = {}
    for seed in range(20):
        drawn = task.sample(np.random.default_rng(seed), 2, level=5)
        seen = which(drawn.inputs[..., :400].unflatten(-1, (20, 20)))
        for b in range(2):
            pairs = {
                (int(c), int(i)) for c, i in zip(seen[:, b], drawn.targets[:, b].argmax(-1), strict=True)
            }
            assert len(pairs) == len({c for c, _ in pairs}) == len({i for _, i in pairs}) == 5
            for character, label in pairs:
                labels_of.setdefault(character, set()).add(label)
    assert min(len(labels) for labels in labels_of.values()) > 3


def test_no_drawing_is_shown_twice_and_all_are_of_their_character(task: Omniglot) -> None:
    for seed in range(20):
        plan = task._plan(np.random.default_rng(seed), 6)
        assert len(np.unique(plan.drawing)) == 6 * 4
        character = np.searchsorted(task._drawings.starts, plan.drawing, side="right") - 1
        alike = np.stack([character, plan.label, plan.quarter_turns])
        assert np.unique(alike, axis=1).shape == (3, 6)


@pytest.mark.usefixtures("still")
def test_a_quarter_turn_holds_for_a_character_in_all_of_an_episode(task: Omniglot) -> None:
    turned = set()
    for seed in range(12):
        drawn = task.sample(np.random.default_rng(seed), 1, level=3)
        images, label = drawn.inputs[:, 0, :400].view(-1, 20, 20) > 0.1, drawn.targets[:, 0].argmax(-1)
        for one in label.unique():
            turns = {
                k
                for image in images[label == one]
                for k in range(4)
                for nth in range(DRAWINGS)
                if np.array_equal(image, np.rot90(drawing(0, nth)[::2, ::2] > 0, k))
            }
            assert len(turns) == 1
            turned |= turns
    assert turned == {0, 1, 2, 3}


def test_no_stroke_is_cut_off() -> None:
    random = np.random.default_rng(0)
    ink = torch.zeros(300, 40, 40, dtype=torch.uint8)
    for one in ink:
        (top, bottom), (left, right) = (sorted(random.choice(41, 2, replace=False)) for _ in range(2))
        one[top:bottom, left:right] = 255
    maps = torch.from_numpy(random.uniform(-1.2, 1.2, (300, 2, 2))).float()
    moves = warp_module._keep_inside(ink, maps, torch.from_numpy(random.uniform(-0.2, 0.2, (300, 2))).float())
    y, x = torch.meshgrid(*[(2 * torch.arange(40) + 1) / 40 - 1] * 2, indexing="ij")
    points = torch.stack([x, y, torch.ones(40, 40)], dim=-1)
    for one, move in zip(ink, moves, strict=True):
        assert (points[one > 0] @ move.T).abs().max() <= 1


def test_warped_drawings_keep_their_ink_and_differ(folder: Path) -> None:
    ink = load_drawings(folder, 40).ink[:1].repeat(50, 1, 1)
    images = warp_module.warp(ink, torch.arange(50) % 4, np.random.default_rng(0), 20)
    mass = images.sum((1, 2)) / (ink[0].sum() / 255 / 4)
    assert mass.min() > 0.8**2 - 0.02
    assert mass.max() < 1.2**2 + 0.02
    assert len(images.flatten(1).unique(dim=0)) == 50


@pytest.mark.usefixtures("still")
def test_training_never_draws_what_is_held_out(task: Omniglot) -> None:
    seen = load_drawings(Path(task.data), 40)
    held = [i for i, name in enumerate(seen.names) if name in HELD_OUT]
    unseen = Omniglot(data=task.data, presentations=4, max_items=3).held_out()
    assert characters_of(unseen, range(10)) == set(held)
    assert characters_of(task, range(40)) == set(range(20)) - set(held)
    assert unseen.held_out() == unseen


def test_levels_are_the_characters_there_are_labels_for(task: Omniglot) -> None:
    assert Omniglot(labels=7).levels == range(2, 8)
    assert task.levels == range(2, 18)
    assert task.held_out().levels == range(2, 4)
    assert len(task.sample(np.random.default_rng(0), 1, level=17).inputs) == 17 * 4


def test_an_episode_is_determined_by_its_number(task: Omniglot) -> None:
    one, again, other = task.episode(3), task.episode(3), task.episode(4)
    assert torch.equal(one.inputs, again.inputs)
    assert one.inputs.shape != other.inputs.shape or not torch.equal(one.inputs, other.inputs)
    assert task.episodes is None


def test_fields_and_groups_name_what_is_there() -> None:
    task = Omniglot(presentations=22, pixels=5, labels=6)
    image, last = task.input_fields
    assert (image.kind, image.stop, image.shape) == ("image", 25, (5, 5))
    assert (last.start, last.stop, last.labels) == (25, 31, ("1", "2", "3", "4", "5", "6"))
    assert task.output_fields[0].labels == last.labels
    assert task.groups[:4] == tuple(f"{nth} presentation" for nth in ("1st", "2nd", "3rd", "4th"))
    assert [task.groups[i].split()[0] for i in (10, 11, 12, 20, 21)] == [
        "11th",
        "12th",
        "13th",
        "21st",
        "22nd",
    ]


@pytest.mark.parametrize("way", ["deep folder", "zip", "folder of zips", "both"])
def test_it_does_not_matter_which_files_hold_the_drawings(task: Omniglot, tmp_path: Path, way: str) -> None:
    content = files()
    names = list(content)
    if way == "deep folder":
        data = write_folder(tmp_path / "a" / "b", content).parent
        write_folder(tmp_path / "a", {"notes.txt": b"", "picture.png": b"", "Alpha/character01/._1.png": b""})
    elif way == "zip":
        data = write_zip(tmp_path / "small.zip", content)
    else:
        data = tmp_path
        write_zip(tmp_path / "one.zip", {name: content[name] for name in names[:70]})
        write_zip(tmp_path / "strokes.zip", {"Alpha/character01/1.txt": b""})
        rest = {name: content[name] for name in names[40:]}  # thirty are there twice
        if way == "both":
            write_folder(tmp_path / "rest", rest)
        else:
            write_zip(tmp_path / "two" / "two.ZIP", rest)
    other = Omniglot(data=str(data), presentations=4)
    assert torch.equal(other.episode(5).inputs, task.episode(5).inputs)
    assert other.settings()["fingerprint"] == task.settings()["fingerprint"]


def test_settings_come_back_with_the_fingerprint_of_what_was_read(folder: Path) -> None:
    task = Omniglot(data=str(folder), presentations=3)
    assert task.settings()["fingerprint"] == ""
    task.episode(0)
    written = json.loads(json.dumps(task.settings()))
    assert len(written["fingerprint"]) == 16
    assert Omniglot(**written) == task
    assert torch.equal(Omniglot(**written).episode(1).inputs, task.episode(1).inputs)
    assert Omniglot(**written).settings() == written


def test_other_characters_than_in_training_are_refused(folder: Path, tmp_path: Path) -> None:
    task = Omniglot(data=str(folder), presentations=3)
    task.episode(0)
    fewer = {name: data for name, data in files().items() if "Gamma/character01" not in name}
    elsewhere = Omniglot(**task.settings() | {"data": str(write_folder(tmp_path, fewer))})
    with pytest.raises(ConfigError, match="expected the characters that the model was trained on"):
        elsewhere.episode(0)


def test_a_task_is_made_without_its_data() -> None:
    task = Omniglot(data="nowhere/at/all")
    assert task.settings()["data"] == "nowhere/at/all"
    assert "2 to 5 characters, 10 drawings" in task.description
    with pytest.raises(ConfigError, match=r"add --data PATH.*ALPHABET/characterNN/\*\.png"):
        Omniglot().held_out().episode(0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"min_items": 1}, "min_items must be a whole number of at least 2, found 1"),
        ({"min_items": 4, "max_items": 3}, "max_items must be a whole number of at least 4"),
        ({"max_items": 21}, "labels must be a whole number of at least 21, found 20"),
        ({"presentations": 0}, "presentations must be"),
        ({"pixels": 2.5}, "pixels must be"),
        ({"pixels": 106}, "pixels must be at most 105"),
        ({"data": Path("omniglot")}, "data must be a path as text"),
    ],
)
def test_bad_settings_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Omniglot(**given)  # type: ignore[arg-type]


def refusal(data: Path, **more: int) -> str:
    """The one line that an episode is refused with."""
    with pytest.raises(ConfigError) as raised:
        Omniglot(data=str(data), **{"presentations": 4, **more}).episode(0)  # type: ignore[arg-type]
    assert "\n" not in str(raised.value)
    return str(raised.value)


def cut(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3]


def flip(data: bytes) -> bytes:
    return data[:-30] + bytes([data[-30] ^ 255]) + data[-29:]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut, "expected a sound PNG file, but"),
        (flip, "expected a sound PNG file, but"),
        (lambda _: b"", "expected a sound PNG file, but it holds something else"),
        (lambda _: b"GIF89a, perhaps", "expected a sound PNG file, but it holds something else"),
        (lambda _: png(np.full((4, 5), 255, np.uint8)), "square drawing.*found 5 x 4"),
        (lambda _: png(np.full((1025, 1025), 255, np.uint8)), "1,024 pixels, found 1,025 x 1,025"),
        (lambda _: png(np.full((9500, 9500), 255, np.uint8)), "1,024 pixels, found 9,500 x 9,500"),
        (lambda _: png(np.zeros((40, 40), np.uint8)), "found no ink"),
        (lambda data: data + bytes(2**20), "at most 1,048,576 bytes, found"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_a_damaged_drawing_is_refused(
    tmp_path: Path, damage: Callable[[bytes], bytes], message: str, zipped: bool
) -> None:
    content, name = files(), "Beta/character03/02.png"
    content[name] = damage(content[name])
    if zipped:
        data = write_zip(tmp_path / "small.zip", content)
        place = f"{data}: small/{name}: "
    else:
        data = write_folder(tmp_path, content)
        place = f"{data / name}: "
    with pytest.raises(ConfigError, match=message):
        Omniglot(data=str(data), presentations=4).episode(0)
    assert refusal(data).startswith(place)


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    data = write_zip(tmp_path / "small.zip", files())
    whole = data.read_bytes()
    data.write_bytes(cut(whole))
    assert refusal(data).startswith(f"{data}: expected a sound zip file, but")
    assert refusal(tmp_path).startswith(f"{data}: expected a sound zip file, but")
    first = whole.index(b"IDAT")
    data.write_bytes(whole[: first + 5] + bytes([whole[first + 5] ^ 1]) + whole[first + 6 :])
    assert refusal(data).startswith(
        f"{data}: small/Alpha/character01/00.png: expected a sound zip file, but Bad CRC-32"
    )


def test_too_little_is_refused(folder: Path, tmp_path: Path) -> None:
    assert "expected a folder or a zip file" in refusal(tmp_path / "nowhere")
    assert "ALPHABET/characterNN/*.png, or zip files that hold them, found none" in refusal(tmp_path)
    assert "expected at least 7 drawings of each character, found 6 of" in refusal(folder, presentations=7)
    text = refusal(folder, max_items=18)
    assert (
        "expected episodes of 2 to 17 characters, as there are 17 to train on and 20 labels, found 18" in text
    )
    few = write_folder(tmp_path, {name: data for name, data in files().items() if name.startswith("Beta")})
    with pytest.raises(ConfigError, match=r"at least 2 characters that are held out .*, found 0"):
        Omniglot(data=str(few), presentations=4).held_out().episode(0)


def test_a_crowd_of_files_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawings_module, "MOST_FILES", 50)
    for data in (write_folder(tmp_path / "folder", files()), write_zip(tmp_path / "small.zip", files())):
        assert f"{data}: expected Omniglot's drawings, found more than 50 files" in refusal(data)


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published files are not here")
def test_published_files() -> None:
    found = load_drawings(PUBLISHED, 40)
    assert len(found.names) == 242  # 136 and 156, of which 50 are in both files
    assert (np.diff(found.starts) == 20).all()
    assert found.held_out.sum() == 45
    task = Omniglot(data=str(PUBLISHED))
    drawn = task.sample(np.random.default_rng(0), 8, level=5)
    ink = drawn.inputs[..., :400].mean(-1)
    assert ink.min() > 0.01
    assert ink.max() < 0.4
    assert len(task.held_out().episode(0).inputs) % 10 == 0
