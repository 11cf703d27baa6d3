"""Training stories in which people, places and things change roles, told in other words."""

import re
from pathlib import Path

import numpy as np
import pytest

from samviz.errors import ConfigError
from samviz.tasks.babi import Babi
from samviz.tasks.babi_exchange import KINDS
from samviz.tasks.task import Batch

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "data" / "babi" / "en"

STORY = "1 Mary went to the garden.\n2 John went to the office.\n3 Where is Mary?\tgarden\t1\n"
OTHER = "1 Sandra took the milk.\n2 Daniel is in the kitchen.\n3 Where is Daniel?\tkitchen\t2\n"
TEST = "1 Mary went back to the garden.\n2 Where is Mary?\tgarden\t1\n"


def write(folder: Path, task: int, train: str, test: str = TEST) -> Path:
    for part, text in (("train", train), ("test", test)):
        (folder / f"qa{task}_made_{part}.txt").write_text(text, encoding="utf-8")
    return folder


def text(task: Babi, batch: Batch, b: int = 0) -> str:
    """What is shown and, behind a step that must answer, the answer."""
    names = task.input_fields[0].labels
    shown = [names[int(step.argmax())] for step in batch.inputs[:, b] if step.any()]
    answers = [names[int(step.argmax())] if step.any() else "" for step in batch.targets[:, b]]
    return " ".join(
        word + (f"={answer}" if answer else "") for word, answer in zip(shown, answers, strict=False)
    )


def drawn(task: Babi, draws: int = 60) -> set[str]:
    return {text(task, task.sample(np.random.default_rng(seed), 1)) for seed in range(draws)}


def test_everybody_and_every_place_takes_every_role_and_the_answer_follows(tmp_path: Path) -> None:
    task = Babi(data=str(write(tmp_path, 1, STORY + OTHER)), tasks=(1,))
    women, men, places = ("mary", "sandra"), ("john", "daniel"), ("garden", "office", "kitchen")
    of_the_first = {story for story in drawn(task, 300) if " took " not in story}
    assert of_the_first == {
        f"{she} went to the {here} . {he} went to the {there} . where is {she} ? -={here}"
        for she in women
        for he in men
        for here in places
        for there in places
        if here != there
    }


def test_what_they_do_is_told_in_other_words(tmp_path: Path) -> None:
    story = "1 Mary {} to the garden.\n2 Mary {} the milk.\n3 Where is Mary?\tgarden\t1\n"
    stories = story.format("went back", "took") + story.format("moved", "picked up")
    task = Babi(data=str(write(tmp_path, 1, stories)), tasks=(1,))
    told = {
        f"mary {moves} to the garden . mary {takes} the milk . where is mary ? -=garden"
        for moves in ("went back", "moved", "went")
        for takes in ("took", "picked up")
    }
    assert drawn(task, 100) == told
    for seed in range(20):
        batch = task.sample(np.random.default_rng(seed), 1)
        shown = text(task, batch).split()
        assert batch.source[-1, 0].tolist() == [shown.index("garden")]


def test_with_one_verb_the_rest_stays(tmp_path: Path) -> None:
    write(tmp_path, 1, STORY)
    published, exchanging = (
        Babi(data=str(tmp_path), tasks=(1,), as_published=as_is) for as_is in (True, False)
    )
    names, alike = published.input_fields[0].labels, {word for kind in KINDS for word in kind}
    before = published.sample(np.random.default_rng(0), 1)
    for seed in range(20):
        batch = exchanging.sample(np.random.default_rng(seed), 1)
        for was, now in zip(before.inputs[:, 0].argmax(-1), batch.inputs[:, 0].argmax(-1), strict=True):
            assert was == now or {names[was], names[now]} <= alike
        for name in ("question", "source", "group"):
            assert (getattr(batch, name) == getattr(before, name)).all()


@pytest.mark.parametrize("number", [15, 16, 17, 18, 20])
def test_tasks_in_which_words_have_a_meaning_of_their_own_stay(tmp_path: Path, number: int) -> None:
    task = Babi(data=str(write(tmp_path, number, STORY)), tasks=(number,))
    assert drawn(task) == {"mary went to the garden . john went to the office . where is mary ? -=garden"}


def test_what_is_held_out_stays_and_no_exchange_leads_to_it(tmp_path: Path) -> None:
    def story(who: str, where: str) -> str:
        return f"1 {who} is in the {where}.\n2 Where is {who}?\t{where}\t1\n"

    trained = story("Daniel", "garden") + story("John", "garden") + story("Daniel", "office")
    task = Babi(data=str(write(tmp_path, 1, trained, story("John", "office"))), tasks=(1,))
    tested = "john is in the office . where is john ? -=office"
    assert drawn(task.held_out()) == {tested}
    assert len(drawn(task)) == 3
    assert tested not in drawn(task)


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="needs the published files")
def test_a_published_story_in_other_words_has_the_answers_of_its_own_sentences() -> None:
    task = Babi(data=str(PUBLISHED), tasks=(1,))
    asked = 0
    for seed in range(50):
        batch = task.sample(np.random.default_rng(seed), 1)
        where: dict[str, str] = {}
        for sentence in re.findall(r"[^.=]+(?: \.|=\w+)", text(task, batch)):
            words = sentence.split()
            if words[0] == "where":
                asked += 1
                assert sentence.strip() == f"where is {words[2]} ? -={where[words[2]]}"
            else:
                where[words[0]] = words[-2]  # before the stop
    assert asked == 250


def test_a_setting_that_is_no_switch_is_refused() -> None:
    with pytest.raises(ConfigError, match="as_published must be true or false, found 1"):
        Babi(as_published=1)  # type: ignore[arg-type]
