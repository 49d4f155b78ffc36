"""What README and docs say is true: blocks run, commands parse, tables follow from results/."""

import ast
import json
import math
import re
import runpy
import shlex
import statistics

import pytest
from conftest import ROOT

import recipes
import zoo
from recipes import (
    bench,
    certify,
    compare,
    doctor,
    errors,
    explain,
    export,
    predict,
    results,
    run,
    serve,
    sort,
    tune,
    verify,
)
from recipes.recipe import with_defaults
from recipes.recipe.overrides import parse_assignment
from recipes.study import results_files, results_table
from recipes.study.bench import speed
from zoo.pretrained.bases import BASES

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*/*.md"))]
# The example of CONTRIBUTING.md; tests/test_new_network.py follows it.
NEW_NETWORK = "mobilenet_v3_small"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


VERBS = {
    "bench": bench,
    "certify": certify,
    "compare": compare,
    "doctor": doctor,
    "explain": explain,
    "export": export,
    "predict": predict,
    "results": results,
    "run": run,
    "serve": serve,
    "sort": sort,
    "tune": tune,
    "verify": verify,
}


def commands():
    sources = [path.read_text(encoding="utf-8") for path in PAGES]
    sources += [path.read_text(encoding="utf-8") for path in (ROOT / "recipes" / "book").glob("*.py")]
    found = re.findall(
        r"^ *(?:python3 -m venv .*&& )?\S*python -m recipes\.(\w+) ([^`\n]+)", "\n".join(sources), re.MULTILINE
    )
    return sorted(set(found))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_run_from_top_to_bottom(page):
    names = {"__name__": "docs"}
    for language, body in FENCE.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            exec(compile(body, str(page), "exec"), names)  # noqa: S102


@pytest.mark.parametrize(("verb", "line"), commands())
def test_shown_commands_are_valid(verb, line):
    options = VERBS[verb].parser().parse_args(shlex.split(line))
    if verb == "run" and options.name and "my_" not in options.name and options.name != NEW_NETWORK:
        recipe = recipes.get(options.name, options.variant)
        for assignment in options.set:
            recipe = recipe.override(*parse_assignment(assignment))


def test_only_known_block_languages_are_used():
    used = {name for path in PAGES for name, _ in FENCE.findall(path.read_text(encoding="utf-8"))}
    assert used <= {"diff", "powershell", "py", "python", "sh", "text"}


def test_readme_shows_the_measured_results_of_every_recipe():
    measured, text = results_files.load(ROOT / "results"), (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"<!-- results -->\n{results_table.short_table(measured)}<!-- /results -->" in text
    assert {group["recipe"] for group in measured.values()} == set(recipes.names())


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_of_results_shows_every_result_and_the_newest_speeds(language):
    text = (ROOT / "docs" / language / "results.md").read_text(encoding="utf-8")
    by_seeds, by_folds = (results_files.load(folder) for folder in (ROOT / "results", ROOT / "results" / "folds"))
    shown = results_table.table(by_seeds, language) + results_table.folds_table(by_folds, language)
    assert f"<!-- results -->\n{shown}<!-- /results -->" in text, "python -m recipes.results --docs docs"
    fastest = json.loads((ROOT / "results" / "bench" / "fashion_cnn.json").read_text(encoding="utf-8"))
    assert f"<!-- speed -->\n{speed.markdown(fastest)}<!-- /speed -->" in text
    cached = json.loads((ROOT / "results" / "bench" / "boundary.json").read_text(encoding="utf-8"))
    markdown = runpy.run_path(str(ROOT / "benchmarks" / "boundary_speed.py"))["markdown"](cached)
    assert f"<!-- boundary -->\n{markdown}<!-- /boundary -->" in text


@pytest.mark.parametrize(
    ("language", "mean", "ours", "error"),
    [
        ("en", "in the mean {}", "our {} against", "{} on {}"),
        ("ko", "평균은 {}", "이 프로젝트의 {}은", "{1}장에서 {0}"),
    ],
)
def test_fine_tuning_is_held_against_independent_runs_of_the_book(language, mean, ours, error):
    text = " ".join((ROOT / "docs" / language / "results.md").read_text(encoding="utf-8").split())
    measured = json.loads((ROOT / "results" / "vgg16_finetune-cats_vs_dogs-tuned.json").read_text(encoding="utf-8"))
    theirs = [float(found) for found in re.search(r"(0\.9805), (0\.\d+)(?:,| and) (0\.\d+)", text).groups()]
    assert mean.format(f"{statistics.mean(theirs):.4f} ± {statistics.stdev(theirs):.4f}") in text
    assert ours.format(f"{measured['mean']:.4f} ± {measured['standard_deviation']:.4f}") in text
    validation = statistics.mean(run["validation_accuracy"] for run in measured["runs"])
    assert f"{validation:.4f}" in text, "as accurate on validation photos as the setting before"
    by_folds = results_files.load(ROOT / "results" / "folds")
    head, both = (by_folds[f"{name}-cats_vs_dogs-tuned"] for name in ("vgg16_feature_extract", "vgg16_finetune"))
    low, high = (f"{end:.4f}" for end in both["image_interval"])
    assert re.search(rf"{both['accuracy']:.4f} ?\({low}(?: to |~){high}\)", text)
    assert f"{head['accuracy']:.4f}" in text.split("0.982", 1)[1], "what is aimed at and not reached"
    for photos in (1000, 4000):
        assert re.search(error.format(f"{math.sqrt(0.978 * 0.022 / photos):.4f}", f"{photos:,}"), text)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_cheat_sheet_has_every_verb_and_every_recipe(language):
    text = (ROOT / "docs" / language / "cheat-sheet.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^python -m recipes\.(\w+)", text, re.MULTILINE)) == set(VERBS)
    assert [name for name in recipes.names() if f"`{name}`" not in text] == []
    codes = re.findall(r"^\| ([\d, ]+) \|", text, re.MULTILINE)
    kinds = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type)}
    assert {int(code) for cell in codes for code in cell.split(",")} == kinds | {0}


def test_books_say_what_was_measured():
    text = (ROOT / "docs" / "en" / "books.md").read_text(encoding="utf-8")
    for name in ("lenet5-fashion_mnist-published", "efficientnet_transfer-cats_vs_dogs-published"):
        measured = json.loads((ROOT / "results" / f"{name}.json").read_text())
        validation = statistics.mean(run["validation_accuracy"] for run in measured["runs"])
        figures = f"validation {validation:.4f}, test {measured['mean']:.4f} ± {measured['standard_deviation']:.4f}"
        assert figures in text, name


@pytest.mark.parametrize("name", recipes.names())
def test_recipe_page_states_its_measured_cost_and_result(name):
    by_seeds, by_folds = (
        results_files.of_recipe(results_files.load(folder), name)
        for folder in (ROOT / "results", ROOT / "results" / "folds")
    )
    measured = results_table.measured(by_seeds, by_folds)
    text = (ROOT / "recipes" / "book" / f"{name}.py").read_text(encoding="utf-8")
    assert f"<!-- measured -->\n{measured}<!-- /measured -->" in text, "python -m recipes.results --book recipes/book"


@pytest.mark.parametrize("page", ["README.md", "pyproject.toml", "docs/en/quickstart.md", "docs/en/boundary.md"])
def test_pages_agree_with_the_measured_gain_of_the_extra_fast(page):
    measured = json.loads((ROOT / "results" / "bench" / "boundary.json").read_text())
    ratios = [found["predict"]["seconds"] / found["frozen pass"]["seconds"] for found in measured["rounds"]]
    text = " ".join((ROOT / page).read_text().replace("\n#", "\n").split())
    gains = re.findall(r"(\d+) to (\d+) times as fast", text)
    assert gains == [(str(round(min(ratios))), str(round(max(ratios))))]
    assert len(re.findall("times as fast|twice as fast", text)) == 1


def test_only_bases_that_folds_cannot_tell_in_eight_bits_run_in_them():
    rows = json.loads((ROOT / "results" / "bench" / "frozen_bases.json").read_text())["rows"]
    intervals = {(row["base"], row["format"]): row["interval"] for row in rows if not row.get("augmented")}
    for name, base in BASES.items():
        if base.int8:
            (low, high), (exact_low, exact_high) = intervals[name, "int8"], intervals[name, "float32"]
            assert low <= exact_high
            assert exact_low <= high


@pytest.mark.parametrize("language", ["en", "ko"])
def test_history_gives_each_network_its_parameters(language):
    text = (ROOT / "docs" / language / "history.md").read_text()
    for section in text.split("\n## ")[1:]:
        for name in re.findall(r"networks/(\w+)\.md", section):
            assert f"{zoo.info(name).parameters:,}" in section


def test_results_are_of_the_recipes_as_they_are():
    """A recipe that changed since it was measured must be measured again."""
    folders = ROOT / "results", ROOT / "results" / "folds"
    for name, group in [found for folder in folders for found in results_files.load(folder).items()]:
        recipe = recipes.get(group["recipe"], group["variant"])
        if "folds" in group:
            recipe = recipe.override("split.folds", group["folds"])
        if group["dataset"] != recipe.data:
            recipe = recipe.override("data", group["dataset"])
        for path, value in group["runs"][0].get("chosen", {}).items() if recipe.stand_in else ():
            recipe = recipe.override(path, value)
        if recipe.audition:  # What it chose is no change.
            stored = with_defaults(group["settings"])
            chosen = {"image_size": stored["image_size"]} | {f"model.{key}": to for key, to in stored["model"].items()}
            for key in ("optimizer", "weight_decay", "temperature"):
                chosen[f"phases.head.{key}"] = stored["phases"][0][key]
            for path, value in chosen.items():
                recipe = recipe.override(path, value)
        # A setting that came later has the value that leaves things as they were.
        assert with_defaults(recipe.as_dict()) == with_defaults(group["settings"]), name
        assert group["runs"], name


def test_contributing_lists_every_room_as_its_docstring_says():
    rooms = ""
    packages = [path.parent for root in ("recipes", "zoo") for path in (ROOT / root).rglob("__init__.py")]
    for folder in sorted(packages, key=lambda folder: folder.as_posix()):
        name, text = folder.relative_to(ROOT).as_posix(), (folder / "__init__.py").read_text(encoding="utf-8")
        if "/" in name:
            rooms += f"- `{name}/`: {ast.get_docstring(ast.parse(text)).splitlines()[0]}\n"
    assert f"<!-- rooms -->\n{rooms}<!-- /rooms -->" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_contributing_names_files_and_what_is_in_them():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:recipes|zoo|tests)/[\w/.<>]+)`", text)
    assert [path for path in paths if "<name>" not in path and not (ROOT / path).exists()] == []
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    answers = [row for row in rows if row[0].endswith("?")]
    counted = [row for row in rows if len(row) == 3 and row[1].isdigit()]
    assert len(answers) == 9
    for thing, number, files in counted:
        assert len(re.findall(r"`[\w/<>]+\.(?:py|md|toml)`", files)) == int(number), thing
    for row in answers + counted:
        path = None
        for name in re.findall(r"`([^`]+)`", row[-1]):
            if name.endswith((".py", ".md", ".json", ".toml")):
                path = name
            elif path and "<name>" not in path:
                assert re.search(rf"\b{name}\b", (ROOT / path).read_text(encoding="utf-8")), f"{name} in {path}"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_spread_over_seeds_follows_from_results(language):
    text = (ROOT / "docs" / language / "numbers-differ.md").read_text(encoding="utf-8")
    sentence = re.search(r"<!-- spread -->\n(.*)\n<!-- /spread -->", text)[1]
    measured = json.loads((ROOT / "results" / "fashion_cnn-fashion_mnist-published.json").read_text(encoding="utf-8"))
    figures = [*(run["test_accuracy"] for run in measured["runs"]), measured["published_accuracy"]]
    assert re.findall(r"0\.\d+", sentence) == [str(figure) for figure in figures]


def test_the_rates_of_keras_are_those_of_the_page():
    import keras

    text = (ROOT / "docs" / "en" / "numbers-differ.md").read_text(encoding="utf-8")
    for names, today in re.findall(r"^\| ([\w, ]+) \| [\d.]+ \| ([\d.]+) \|$", text, re.MULTILINE):
        for name in names.split(", "):
            assert float(getattr(keras.optimizers, name)().learning_rate) == pytest.approx(float(today)), name
