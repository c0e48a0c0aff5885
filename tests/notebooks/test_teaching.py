"""The teacher's guide: what it says of minutes and losses is so."""

import re

import numpy as np
import pytest
from build import FOLDER, guide

import hpkit as hk

GUIDE = (FOLDER / "TEACHING.md").read_text("utf-8")
SECTION = re.compile(r"^# ## (\d)\. .*\((\d+) minutes?\)$", re.M)
PLANNED = re.compile(r"(?:(\d\d) )?sections? ([\d, toand]+?) \((\d+)\)")


def minutes(lesson):
    (source,) = (FOLDER / "src").glob(f"{lesson}_*.py")
    return {int(n): int(m) for n, m in SECTION.findall(source.read_text("utf-8"))}


def numbers(words):
    """Return the sections that words such as "1, 2 to 4 and 6" name."""
    named = []
    for part in re.split(r", | and ", words):
        first, _, last = part.partition(" to ")
        named += range(int(first), int(last or first) + 1)
    return named


def test_sections_of_the_plans_have_their_minutes():
    plans = PLANNED.findall(GUIDE)
    assert len(plans) >= 10
    for lesson, words, said in plans:
        assert lesson, words
        assert sum(minutes(lesson)[n] for n in numbers(words)) == int(said)


def test_guide_has_the_part_of_each_lesson_as_its_file_has_it():
    assert guide(FOLDER / "TEACHING.md") == GUIDE


def test_plans_fill_their_time():
    rows = dict(re.findall(r"^\| (50|90|2 x 90) minutes \| (.*?) \|", GUIDE, re.M))
    rest = {"50": 13, "90": 15, "2 x 90": 10}  # to open and close, in words
    for time, row in rows.items():
        planned = sum(map(int, re.findall(r"\((\d+)\)", row))) + rest[time]
        whole = np.prod([int(n) for n in time.split(" x ")])
        assert 0.95 * whole <= planned <= whole


def test_losses_of_the_group_activity():
    rows = re.findall(r"^\| ([\d.]+) \| (.*) \|$", GUIDE, re.M)
    assert len(rows) == 9
    moons = hk.load_dataset("moons")
    base = hk.Hyperparameters(batch_size=32, epochs=30)
    for lr, cells in rows:
        for seed, said in enumerate(cells.split(" | ")):
            run = hk.fit(moons, base.but(lr=float(lr)), seed=seed)
            assert run.diverged == (said == "diverged")
            if float(lr) == 3:  # it jumps: rounding shows, but 1 is always better
                assert 0.18 < run.best_val_loss < 0.7
            elif not run.diverged:
                assert run.best_val_loss == pytest.approx(float(said), rel=0.05)


def test_class_of_fifty_minutes_fits():
    """Read aloud at 130 words a minute, with time to guess and for each step."""
    text = (FOLDER / "src" / "class_50.py").read_text("utf-8")
    said = [int(m) for _, m in SECTION.findall(text)]
    parts = re.split(
        r"^# ## \d\. .*$", text.partition("# ## What you saw")[0], flags=re.M
    )

    for section, minutes in zip(parts[1:], said, strict=True):
        lines = [line for line in section.splitlines() if line.startswith("# ")]
        words = sum(len(line.split()) - 1 for line in lines if "# %%" not in line)
        cells = len(re.findall(r"^# %%$", section, re.M))
        guesses = section.count("**Predict.**")
        steps = len(re.findall(r"^# \d\. ", section, re.M))
        assert words / 130 + cells / 6 + 2 * guesses + 1.5 * steps <= minutes
    assert f"class_50](class_50.ipynb) ({sum(said)})" in GUIDE


def test_files_of_learners_are_counted(tmp_path, monkeypatch):
    write, count = re.findall(r"^```python\n(.*?)^```", GUIDE, re.S | re.M)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "collected").mkdir()
    exec(write.replace("NAME OF", "collected/NAME OF"), {"hk": hk})

    *lines, last = count.splitlines()
    exec("\n".join(lines), space := {})
    assert (eval(last, space).index == ["NAME OF THE LEARNER"]).all()
    # Excel takes a cell that begins with such a sign for a formula.
    assert not space["every"]["state"].str.contains("^[-+=@]").any()


def test_minutes_of_a_lesson_are_the_same_everywhere():
    """In the lesson, in README and here; and its sections fill them, within a tenth."""
    readme = (FOLDER.parent / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d\d) \[.*?\| (\d+) \|", readme, re.M)
    heads = re.findall(r"^### (\d\d) .*\((\d+) minutes\)$", GUIDE, re.M)
    said = []
    for path in sorted((FOLDER / "src").glob("[0-9]*.py")):
        found = re.search(r"\*\*About (\d+) minutes", path.read_text("utf-8"))
        said.append((path.name[:2], found[1]))

    assert rows == heads == said
    for lesson, whole in said:
        assert abs(sum(minutes(lesson).values()) - int(whole)) <= 0.1 * int(whole) + 2
