"""Run folders become result files and a table; what does not count is refused."""

import numpy as np
import pandas
import pytest
from conftest import ROOT
from run_files import write_manifest

from recipes import results
from recipes.errors import UsageFault
from recipes.study import results_files, results_table, wrong_answers


def run_folder(tmp_path, seed, accuracy, **changes):
    command = f"python -m recipes.run tiny --seed {seed}"
    changes = {"seed": seed, "command": command, "result__test_accuracy": accuracy} | changes
    return write_manifest(tmp_path / f"{seed}-{accuracy}", **changes)


def test_a_time_that_lacks_the_frozen_pass_is_marked(tmp_path):
    counts = {"train": {"a": 10}, "validation": {"a": 5}, "test": {"a": 5}}
    kept = {"layer": "pool", "views": 2, "engine": "keras", "dtype": "float16", "bytes": 9, "seconds": 1.0}

    def shown(seed, passed):
        boundary = {"head": kept | {"images_passed": passed}, "block5": kept | {"images_passed": 0}}
        run = run_folder(tmp_path, seed, 0.9, data__counts=counts, boundary=boundary)
        return results_table.table(results_files.collect([run]))

    assert "| 1.5 min |" in shown(1, 25)
    assert "| 1.5 min [2] |" in shown(2, 20)
    assert "[2] Some runs found activations of the frozen part on disk" in shown(3, 0)


def test_runs_of_a_recipe_become_mean_and_spread(tmp_path):
    folders = [run_folder(tmp_path, seed, accuracy) for seed, accuracy in ((1, 0.90), (2, 0.92))]
    readme, docs = tmp_path / "README.md", tmp_path / "docs"
    for page in (readme, docs / "en" / "results.md", docs / "ko" / "results.md"):
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("before\n<!-- results -->\nold\n<!-- /results -->\nafter\n", encoding="utf-8")
    pages = ["--readme", str(readme), "--docs", str(docs)]
    assert results.main([*map(str, folders), "--into", str(tmp_path / "results"), *pages]) == 0
    group = results_files.load(tmp_path / "results")["tiny-mnist-tuned"]
    assert group["mean"] == pytest.approx(0.91)
    assert group["standard_deviation"] == pytest.approx(0.0141421, rel=1e-4)
    assert [run["seed"] for run in group["runs"]] == [1, 2]
    assert "| tiny | mnist | 0.8000 | - | **0.9100** ± 0.0141 |" in readme.read_text(encoding="utf-8")
    whole, korean = ((docs / language / "results.md").read_text(encoding="utf-8") for language in ("en", "ko"))
    (row,) = (line for line in whole.splitlines() if line.startswith("| tiny | mnist |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[2:5] == ["tuned", "**0.9100** ± 0.0141 [1]", "0.8000"]
    assert cells[5:7] == [
        " to ".join(f"{end:.4f}" for end in group[name]) for name in ("seed_interval", "image_interval")
    ]
    assert cells[7:] == ["1, 2", "1.5 min"]
    assert "| 1, 2 | 1.5분 |" in korean
    assert "[1] 인증한 값이 아닙니다" in korean
    for text in (whole, korean):
        assert text.startswith("before")
        assert "old" not in text


def test_runs_of_two_backends_are_no_row(tmp_path):
    runs = [run_folder(tmp_path, 1, 0.90, backend="jax"), run_folder(tmp_path, 2, 0.92)]
    assert results_files.collect(runs[:1])["tiny-mnist-tuned"]["backend"] == "jax"
    with pytest.raises(UsageFault, match="was run on tensorflow, the first run of tiny-mnist-tuned on another backend"):
        results_files.collect(runs)


def test_the_page_of_a_recipe_states_cost_and_result(tmp_path):
    folders = [str(run_folder(tmp_path, seed, accuracy)) for seed, accuracy in ((1, 0.90), (2, 0.92))]
    page = tmp_path / "tiny.py"
    page.write_text('"""tiny: a net.\n\n<!-- measured -->\nold\n<!-- /measured -->\n"""\n\nTUNED = 1\n')
    assert results.main([*folders, "--into", str(tmp_path / "results"), "--book", str(tmp_path)]) == 0
    text = page.read_text()
    compile(text, page, "exec")
    line = "- mnist, tuned: 0.9100 ± 0.0141 (2 seeds), 1.5 minutes on 2 cores; not certified"
    assert f"{line}\n<!-- /measured -->" in text
    assert "old" not in text
    results.main([folders[0], "--into", str(tmp_path / "results"), "--book", str(tmp_path)])
    assert "- mnist, tuned: 0.9000 (1 seed), 1.5 minutes on 2 cores; not certified\n" in page.read_text()


@pytest.mark.parametrize(
    "changes",
    [
        {"smoke": True},
        {"overrides": [["batch_size", "64"]]},
        {"data__kind": "sample"},
        {"settings__batch_size": 64},
    ],
)
def test_runs_that_do_not_count_are_refused(tmp_path, changes):
    good, bad = run_folder(tmp_path, 1, 0.9), run_folder(tmp_path, 2, 0.9, **changes)
    with pytest.raises(UsageFault, match="does not count|other settings"):
        results_files.collect([good, bad])


def test_one_seed_counts_once(tmp_path):
    with pytest.raises(UsageFault, match="Seed 1 of tiny-mnist-tuned is there twice"):
        results_files.collect([run_folder(tmp_path, 1, 0.9), run_folder(tmp_path, 1, 0.8)])


def keep_answers(folder, recipe, answers, by="seed", dataset="pets"):
    """A result file with its answers: for each run, the probability of a dog on each image; dogs are d1, d2, ..."""
    stem = f"{recipe}-{dataset}-tuned"
    figures, table = (folder / "folds", folder / "folds") if by == "fold" else (folder, folder / "answers")
    for place in (figures, table):
        place.mkdir(parents=True, exist_ok=True)
    (figures / f"{stem}.json").write_text(f'{{"recipe": "{recipe}", "dataset": "{dataset}", "variant": "tuned"}}')
    lines = [f"{by},id,truth,probability cat,probability dog"]
    for number, images in answers.items():
        lines += [f"{number},{name},{'dog' if name[0] == 'd' else 'cat'},{1 - p},{p}" for name, p in images.items()]
    (table / f"{stem}.csv").write_text("\n".join(lines) + "\n")


def test_images_that_no_run_has_right_are_told(tmp_path):
    keep_answers(tmp_path, "weak", {42: {"c1": 0.9, "c2": 0.6, "d1": 0.1}, 43: {"c1": 0.8, "c2": 0.7, "d1": 0.6}})
    keep_answers(tmp_path, "strong", {0: {"c1": 0.7, "d1": 0.9}, 1: {"c2": 0.2, "d2": 0.1}}, by="fold")
    weak, strong = wrong_answers.read(tmp_path)
    assert list(wrong_answers.always_wrong(weak.answers)) == ["c1", "c2"]  # The surest first.
    assert list(wrong_answers.always_wrong(strong.answers)) == ["d2", "c1"]
    both = [*weak.answers, *strong.answers]
    assert list(wrong_answers.always_wrong(both, runs=2)) == ["c1"]  # Only one run has tested d2.
    told = [(answer.run, answer.guess, answer.probability) for answer in wrong_answers.always_wrong(both)["c1"]]
    runs = ("weak, tuned, seed 42", "weak, tuned, seed 43", "strong, tuned, fold 0")
    assert told == [(run, "dog", probability) for run, probability in zip(runs, (0.9, 0.8, 0.7), strict=True)]


def test_the_page_of_wrong_images_says_so_where_the_data_set_is_not_there(tmp_path, capsys):
    keep_answers(tmp_path, "weak", {42: {"c1": 0.9, "c2": 0.6}, 43: {"c1": 0.8, "c2": 0.2}})
    keep_answers(tmp_path, "other", {42: {"d1": 0.1}}, dataset="farm")
    page = tmp_path / "wrong.html"
    arguments = ["--wrong", str(page), "--into", str(tmp_path), "--of"]
    assert results.main([*arguments, "weak", "tuned"]) == 0
    assert "two runs or more: 1 of 2 images" in capsys.readouterr().out
    text = page.read_text()
    assert "The data set is not on this machine: names only." in text
    assert "c1, labelled <b>cat</b><br>weak, tuned, seed 42: dog 90.0%<br>weak, tuned, seed 43: dog 80.0%" in text
    for words, of in (("No answers of weak farm", ["weak", "farm"]), ("--of farm, or --of pets", ["tuned"])):
        assert results.main([*arguments, *of]) == 2
        assert words in capsys.readouterr().err
    (tmp_path / "answers" / "weak-pets-tuned.csv").write_text("seed,id,truth,probability cat\n42,c1,cat,much\n")
    assert results.main([*arguments, "weak"]) == 9
    assert "weak-pets-tuned.csv" in capsys.readouterr().err
    assert results.main([*arguments, "weak", "--readme", "README.md"]) == 2
    assert "--wrong shows what is certified" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "Which runs?"),
        (["{0}/nothing"], 2, "is not the folder of a finished run"),
        (["--intoo", "x"], 2, "--help shows the options"),
        (["--readme", "{0}/nothing.md"], 2, "nothing.md cannot be read"),
        (["--readme", "{0}/page.md"], 2, "has no marks <!-- results -->"),
        (["{0}/1-0.9", "--book", "{0}"], 2, "tiny.py cannot be read"),
        (["{0}/1-0.9", "--into", "{0}/page.md"], 6, "a file is in the way"),
        (["--into", "{0}/damaged", "--readme", "{0}/page.md"], 9, "bad.json is missing or damaged"),
    ],
)
def test_results_says_what_is_wrong_in_one_line(tmp_path, capsys, arguments, code, words):
    run_folder(tmp_path, 1, 0.9)
    (tmp_path / "page.md").write_text("no marks")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "bad.json").write_text("{")
    into = [] if "--into" in arguments else ["--into", str(tmp_path / "results")]
    assert results.main([*(argument.format(tmp_path) for argument in arguments), *into]) == code
    err = capsys.readouterr().err
    assert (err.count("\n"), err.startswith("error: "), words in err) == (1, True, True), err


def test_the_mean_over_certified_seeds_is_right_no_more_often_than_the_best_seed():
    """What docs/en/tuning.md says of ensembles."""
    files = list((ROOT / "results" / "answers").glob("*.csv"))
    assert len(files) > 3
    for path in files:
        answers = pandas.read_csv(path)
        columns = [column for column in answers if column.startswith("probability ")]
        classes = np.array([column.removeprefix("probability ") for column in columns])
        seeds = [
            (classes[rows[columns].to_numpy().argmax(axis=1)] == rows["truth"]).mean()
            for _, rows in answers.groupby("seed")
        ]
        mean = answers.groupby(["id", "truth"])[columns].mean()
        joined = classes[mean.to_numpy().argmax(axis=1)] == mean.index.get_level_values("truth")
        assert joined.mean() <= max(seeds) + 1e-9, path.name
