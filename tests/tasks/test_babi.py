"""The bAbI task on files made here, and on the published ones where they are at hand."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from samviz.errors import ConfigError
from samviz.tasks.babi import Babi
from samviz.tasks.score import score
from samviz.tasks.task import Batch, input_size, output_size

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "data" / "babi"
PLACES = ("hall", "garden", "office")
needs_published = pytest.mark.skipif(not PUBLISHED.is_dir(), reason="needs the published files")

STORY = (
    "1 Mary went to the hall.\n"
    "2 Mary got the milk there.\n"
    "3 Where is the Milk? \thall\t2 1\n"
    "4 Mary got the apple.\n"
    "5 What is Mary carrying?\tmilk,apple\t2 4\n"
)
OTHER = "1 John is in the office.\n2 Where is John?\toffice\t1\n"
NAMES = {1: "where-is-it", 3: "who_else"}


def write(folder: Path, task: int, train: str, test: str) -> None:
    for part, text in (("train", train), ("test", test)):
        (folder / f"qa{task}_{NAMES[task]}_{part}.txt").write_text(text, encoding="utf-8", newline="")


def a_story(place: str, sentences: int) -> str:
    """A story that differs from all others of another place or length."""
    lines = [f"{i} Ann looked at the {place}." for i in range(1, sentences + 1)]
    asked = f"{sentences + 1} Where is Ann?\t{place}\t{sentences} 1"
    return "\n".join([*lines, asked]) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, 1, STORY + OTHER, OTHER.replace("John", "Daniel"))
    train = "".join(a_story(place, n) for place in PLACES for n in range(1, 20, 2))
    test = "".join(a_story(place, n) for place in PLACES for n in range(2, 20, 2))
    write(tmp_path, 3, train, test)
    return tmp_path


def words_of(task: Babi, batch: Batch, b: int = 0) -> list[str]:
    """What the input shows at each step, "" for nothing."""
    labels = task.input_fields[0].labels
    return [labels[int(step.argmax())] if step.any() else "" for step in batch.inputs[:, b]]


def test_a_story_becomes_words_with_a_step_for_each_word_of_an_answer(tmp_path: Path) -> None:
    write(tmp_path, 1, OTHER, STORY)
    task = Babi(data=str(tmp_path), tasks=(1,)).held_out()
    batch = task.episode(0)
    words = words_of(task, batch)
    assert " ".join(words) == (
        "mary went to the hall . mary got the milk there . where is the milk ? - "
        "mary got the apple . what is mary carrying ? - -"
    )
    labels = task.output_fields[0].labels
    answers = {t: labels[int(batch.targets[t, 0].argmax())] for t in batch.mask[:, 0].nonzero().flatten()}
    assert list(answers.values()) == ["hall", "milk", "apple"]
    assert [words[t] for t in answers] == ["-"] * 3
    assert batch.question[list(answers), 0].tolist() == [0, 1, 1]
    sources = [[words[source] for source in batch.source[t, 0]] for t in answers]
    assert sources == [["there", "hall"], ["there", "apple"], ["there", "apple"]]


def test_the_vocabulary_is_the_sorted_words_of_both_files_then_the_marks(tmp_path: Path) -> None:
    write(tmp_path, 1, OTHER, "1 Zoe smiled.\n2 Who smiled?\tzoe\t1\n")
    task = Babi(data=str(tmp_path), tasks=(1,))
    words = ("in", "is", "john", "office", "smiled", "the", "where", "who", "zoe")
    assert task.input_fields[0].labels == task.output_fields[0].labels == (*words, ".", "?", "-")
    assert task.held_out().input_fields == task.input_fields
    assert task.groups == ("1 where is it",)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("unseen", [False, True])
def test_laws(folder: Path, seed: int, unseen: bool) -> None:
    task = Babi(data=str(folder), tasks=(3, 1), unseen=unseen)
    drawn, again = (task.sample(np.random.default_rng(seed), 5) for _ in range(2))
    steps = len(drawn.inputs)
    assert drawn.inputs.shape == (steps, 5, input_size(task))
    assert drawn.targets.shape == (steps, 5, output_size(task))
    assert drawn.source.shape == (steps, 5, task.source_size)
    assert all(tensor.dtype == torch.int32 for tensor in drawn[2:])
    assert all(torch.equal(*pair) for pair in zip(drawn, again, strict=True))
    for b in range(5):
        shown = drawn.inputs[:, b].sum(-1)
        length = int(shown.sum())
        assert (shown[:length] == 1).all()
        assert not drawn.inputs[length:, b].any()
        assert not drawn.mask[length:, b].any()
        assert drawn.mask[length - 1, b]
        assert len(set(drawn.group[:, b].tolist())) == 1
    assert (drawn.inputs.sum((0, 2)) == steps).any()
    assert torch.equal(drawn.targets.sum(-1), drawn.mask.float())
    assert torch.equal(drawn.inputs[..., -1] > 0, drawn.mask)
    assert (drawn.source < torch.arange(steps)[:, None, None]).all()
    assert torch.equal((drawn.source >= 0).any(-1), drawn.mask)


def test_sources_are_the_last_words_of_the_supporting_sentences(folder: Path) -> None:
    task = Babi(data=str(folder), tasks=(3,))
    drawn = task.sample(np.random.default_rng(0), 8)
    for t, b in drawn.mask.nonzero().tolist():
        words = words_of(task, drawn, b)
        last, first = drawn.source[t, b].tolist()
        answer = task.output_fields[0].labels[int(drawn.targets[t, b].argmax())]
        assert words[first] == words[last] == answer
        assert words[first + 1] == words[last + 1] == "."
        assert words.index(".") == first + 1


def test_training_never_draws_a_story_that_is_held_out(folder: Path) -> None:
    shared = a_story("hall", 4)  # one of the test file
    with (folder / f"qa3_{NAMES[3]}_train.txt").open("a") as train:
        train.write(shared * 40)
    task = Babi(data=str(folder), tasks=(3,))

    def stories(task: Babi) -> set[str]:
        random = np.random.default_rng(0)
        batches = [task.sample(random, 4) for _ in range(100)]
        return {" ".join(words_of(task, batch, b)).strip() for batch in batches for b in range(4)}

    trained, tested = stories(task), stories(task.held_out())
    assert len(trained) == 30
    assert len(tested) == 27
    assert not trained & tested


def test_held_out_are_the_test_files_whole_and_in_order(folder: Path) -> None:
    task = Babi(data=str(folder), max_steps=30, tasks=(1, 3))
    held_out = task.held_out()
    assert task.episodes is None
    assert held_out.episodes == 28
    episodes = [held_out.episode(i) for i in range(28)]
    assert [int(episode.group[0, 0]) for episode in episodes] == [0] + [1] * 27
    assert words_of(held_out, episodes[0])[0] == "daniel"
    assert max(len(episode.inputs) for episode in episodes) > 100
    assert held_out.held_out() == held_out
    assert torch.equal(task.episode(3).inputs, task.episode(3).inputs)
    right = score(episodes[0].targets, episodes[0], "classes", len(task.groups))
    assert right.questions.tolist() == [1, 0]
    assert right.wrong_questions.tolist() == [0, 0]


def test_tasks_and_lengths_are_drawn_evenly(folder: Path) -> None:
    task, random = Babi(data=str(folder), tasks=(1, 3)), np.random.default_rng(0)
    drawn = [task.sample(random, 2) for _ in range(1000)]
    of_task_3 = torch.cat([batch.group[0] for batch in drawn])
    assert 900 < of_task_3.sum() < 1100
    lengths = torch.cat([batch.inputs.sum((0, 2)) for batch in drawn])[of_task_3 == 1]
    counts = np.unique(lengths.numpy(), return_counts=True)[1]
    assert len(counts) == 10
    assert counts.min() > 70


def test_training_leaves_out_long_stories(folder: Path) -> None:
    task = Babi(data=str(folder), tasks=(3,), max_steps=6 * 5 + 5)
    random = np.random.default_rng(0)
    lengths = {len(task.sample(random, 1).inputs) for _ in range(100)}
    assert lengths == {6 * n + 5 for n in (1, 3, 5)}
    with pytest.raises(ConfigError, match="at most 8 steps to train task 3 who_else on"):
        Babi(data=str(folder), tasks=(3,), max_steps=8).sample(random, 1)


def test_a_story_is_read_alike_from_other_line_ends_and_without_the_last(tmp_path: Path) -> None:
    write(tmp_path, 1, OTHER, STORY)
    plain = Babi(data=str(tmp_path), tasks=(1,)).held_out().episode(0)
    other = tmp_path / "other"
    other.mkdir()
    write(other, 1, OTHER.replace("\n", "\r\n"), STORY.removesuffix("\n"))
    same = Babi(data=str(other), tasks=(1,)).held_out().episode(0)
    assert all(torch.equal(*pair) for pair in zip(plain, same, strict=True))


def test_settings_survive_json_and_gain_the_fingerprint_of_the_words(folder: Path) -> None:
    task = Babi(data=str(folder), tasks=(3, 1))
    assert task.tasks == (1, 3)
    assert task.settings()["fingerprint"] == ""
    task.sample(np.random.default_rng(0), 1)
    settings = json.loads(json.dumps(task.settings()))
    assert len(settings["fingerprint"]) == 16
    assert settings == task.settings()
    again = Babi(**settings)
    assert again == task
    assert again.settings() == settings
    assert again.input_fields == task.input_fields
    others = Babi(**settings | {"tasks": [1]})
    with pytest.raises(ConfigError, match="words that the model was trained on"):
        _ = others.input_fields


def test_nothing_is_read_before_it_is_needed() -> None:
    task = Babi(data="/nowhere", fingerprint="of other words")
    assert task.held_out().settings()["fingerprint"] == "of other words"
    assert task.description
    with pytest.raises(ConfigError, match="No such file"):
        _ = task.groups
    with pytest.raises(ConfigError, match="add --data PATH"):
        _ = Babi().input_fields


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tasks": ()}, "different numbers from 1 to 20"),
        ({"tasks": (0, 1)}, "different numbers"),
        ({"tasks": (21,)}, "different numbers"),
        ({"tasks": (1, 2, 1)}, "different numbers"),
        ({"tasks": 5}, "different numbers"),
        ({"tasks": ["1", [2]]}, "different numbers"),
        ({"data": 1}, "data"),
        ({"max_steps": 0}, "max_steps"),
        ({"max_steps": 1.5}, "max_steps"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Babi(**settings)  # type: ignore[arg-type]


def cut_within(line: int, at: int) -> Callable[[str], str]:
    """End the file in the middle of a line."""
    return lambda text: "".join(text.splitlines(keepends=True)[: line - 1]) + text.splitlines()[line - 1][:at]


def changed(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


@pytest.mark.parametrize(
    ("damage", "line", "message"),
    [
        (lambda _: "", 1, "found an empty file"),
        (lambda _: " \n\n", 1, "found an empty file"),
        (cut_within(2, 10), 2, "a sentence that ends with ."),
        (cut_within(3, 10), 3, "a sentence that ends with ."),
        (cut_within(3, len("3 Where is the Milk? ")), 3, "a sentence that ends with ."),
        (cut_within(3, len("3 Where is the Milk? \tha")), 3, "a question, a tab, its answer"),
        (cut_within(3, len("3 Where is the Milk? \thall\t")), 3, "IDs of earlier sentences"),
        (cut_within(5, 0), 4, "ends with a question"),
        (cut_within(5, 1), 5, "a sentence that ends with ."),
        (changed("\t2 4\n", "\t2 4\n\n"), 6, "begin with the ID 6, found ''"),
        (changed("3 Where", "Where"), 3, "begin with the ID 3"),
        (changed("4 Mary", "6 Mary"), 4, "begin with the ID 4"),
        (changed("4 Mary", "3 Mary"), 4, "begin with the ID 4"),
        (changed("1 Mary", "2 Mary"), 1, "begin with the ID 1"),
        (changed("4 Mary", "1 Mary"), 5, "begin with the ID 2"),
        (changed("3 Where is the Milk? \thall\t2 1", "1 Mary went."), 2, "ends with a question"),
        (changed("2 1\n", "2 9\n"), 3, "IDs of earlier sentences"),
        (changed("2 1\n", "2 3\n"), 3, "IDs of earlier sentences"),
        (changed("2 4\n", "3 4\n"), 5, "IDs of earlier sentences"),
        (changed("2 4\n", "2 five\n"), 5, "IDs of earlier sentences"),
        (changed("\thall\t", "\t\t"), 3, "an answer"),
        (changed("milk,apple", "milk,"), 5, "an answer"),
        (changed("milk,apple", "milk,-"), 5, "a word, found '-'"),
        (changed("there.", "there"), 2, "a sentence that ends with ."),
        (changed("Milk? ", "Milk "), 3, "a question that ends with ?"),
        (changed("Mary got the apple", "Mary  got"), 4, "a word, found ''"),
        (changed("Mary got the apple", ""), 4, "a word, found ''"),
        (changed("the apple", "\x1b[2J"), 4, r"a word, found '\\x1b\[2j'"),
        (changed("\thall\t2 1", "\thall\t2 1\tmore"), 3, "a question, a tab, its answer"),
    ],
)
def test_a_damaged_file_is_refused(
    tmp_path: Path, damage: Callable[[str], str], line: int, message: str
) -> None:
    write(tmp_path, 1, OTHER, damage(STORY))
    found = refusal(Babi(data=str(tmp_path), tasks=(1,)))
    assert found.startswith(f"{tmp_path}/qa1_where-is-it_test.txt, line {line}: expected ")
    with pytest.raises(ConfigError, match=message):
        raise ConfigError(found)
    assert found.endswith("; if the file is damaged, get it again")


def test_a_file_cut_off_anywhere_is_refused_but_where_it_ends_with_whole_ids(tmp_path: Path) -> None:
    ends_whole = []
    for length in range(len(STORY)):
        folder = tmp_path / str(length)
        folder.mkdir()
        write(folder, 1, OTHER, STORY[:length])
        try:
            _ = Babi(data=str(folder), tasks=(1,)).input_fields
        except ConfigError:
            continue
        ends_whole.append(STORY[:length].rpartition("\t")[2])
    assert ends_whole == ["2", "2 ", "2 1", "2 1\n", "2", "2 ", "2 4"]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    write(tmp_path, 1, OTHER, STORY)
    (tmp_path / "qa1_where-is-it_train.txt").write_bytes(STORY.encode().replace(b"apple", b"\xff"))
    found = refusal(Babi(data=str(tmp_path), tasks=(1,)))
    assert "train.txt, line 4: expected text in UTF-8, found the byte 0xff" in found


def test_a_folder_without_the_files_is_refused(tmp_path: Path) -> None:
    def refused(path: Path, *tasks: int) -> str:
        found = refusal(Babi(data=str(path), tasks=tasks))
        assert found.startswith(str(path))
        return found

    assert "No such file or directory; correct --data" in refused(tmp_path / "nothing", 1)
    (tmp_path / "file").write_text("")
    assert "Not a directory" in refused(tmp_path / "file", 1)
    assert "choose a folder inside the published one" in refused(tmp_path, 1)
    write(tmp_path, 1, OTHER, STORY)
    write(tmp_path, 3, OTHER, STORY)
    (tmp_path / "qa3_who_else_train.txt").unlink()
    assert "expected qa3_…_train.txt, found none" in refused(tmp_path, 1, 3)
    assert refused(tmp_path, 1, 3).endswith("the tasks that it has: 1")
    assert "expected qa2_…_train.txt" in refused(tmp_path, 2)
    (tmp_path / "qa1_where-is-it_test.txt").unlink()
    assert refused(tmp_path, 1).endswith("the tasks that it has: none")
    (tmp_path / "qa1_where-is-it_test.txt").mkdir()
    assert "qa1_where-is-it_test.txt: could not be read: Is a directory" in refused(tmp_path, 1)


def test_two_files_of_one_task_are_refused(tmp_path: Path) -> None:
    write(tmp_path, 1, OTHER, STORY)
    (tmp_path / "qa1_test.txt").write_text(STORY)
    found = refusal(Babi(data=str(tmp_path), tasks=(1,)))
    assert "one test file of task 1, found qa1_test.txt as well" in found


def refusal(task: Babi) -> str:
    """What the task says of its data, in one line."""
    with pytest.raises(ConfigError) as caught:
        _ = task.input_fields
    assert "\n" not in str(caught.value)
    return str(caught.value)


@needs_published
def test_the_published_files_have_159_words_and_1000_test_questions_a_task() -> None:
    task = Babi(data=str(PUBLISHED / "en"))
    assert input_size(task) == output_size(task) == 159
    assert task.source_size == 8
    assert len(task.groups) == 20
    assert task.groups[0] == "1 single supporting fact"
    held_out = task.held_out()
    assert held_out.episodes == 6267
    asked = np.zeros(20, np.int64)
    for i in range(held_out.episodes):
        episode = held_out.episode(i)
        asked[episode.group[0, 0]] += episode.question.max() + 1
    assert asked.tolist() == [1000] * 20
    assert len(task.sample(np.random.default_rng(0), 8).inputs) <= 800


@needs_published
def test_the_published_10k_files_lack_task_3() -> None:
    found = refusal(Babi(data=str(PUBLISHED / "en-10k")))
    assert "expected qa3_…_train.txt" in found
    assert found.endswith("1,2,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20")
