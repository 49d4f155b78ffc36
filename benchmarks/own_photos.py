"""Is what own_photos chooses as good as the best that could have been chosen?

    python benchmarks/own_photos.py folds FOLDER [FOLDER ...]
    python benchmarks/own_photos.py views FOLDER [FOLDER ...]
    python benchmarks/own_photos.py runs RECIPE[:VARIANT] FOLDER [FOLDER ...]
    python benchmarks/own_photos.py minutes FOLDER [FOLDER ...]
    python benchmarks/own_photos.py folds FOLDER [FOLDER ...] --cluster tcp://scheduler:8786

FOLDER holds photos as `recipes.run --data` takes them; `benchmarks/photo_sets.py` makes some.

`folds`: by five folds, look-alikes together, whatever sides the folder has, each photo is tested once, by a head that
was solved on the other folds. Which base, stages and head that is was chosen by folds inside of those, on the sample
that an audition takes. Beside it each base alone, with two stages under a logistic regression.

`views`: what a second view brings, each photo turned as in a mirror, to the smallest base with two stages under a
logistic regression, by the same folds: when it is asked about (the mean of both answers), when the head is solved for,
and both times.

`runs`: the whole command, from a cold cache but for the weights: its accuracy on the test photos that the division
gives, its minutes, and when the first answer came. Give own_photos, vgg16_feature_extract and
vgg16_feature_extract:published.

`minutes`: what `--minutes` tries, the last stage of the smallest base trained after its head was solved for, against
what the audition chose: photos right without it and with it, over the three folds that decide, and the test photos
that the run has right in the end.

`--cluster` has the workers of a cluster do it, as in `recipes.certify`: a job is a base's pass over a set and a fold
(`folds`), or else a set. Rows are the same but for their minutes, which jobs beside each other share.

Results go to results/own_photos.json, where each set's rows replace earlier ones, and as a table into photos.md of the
docs.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes.console.command import Parser, guarded
from recipes.errors import Fault, UsageFault
from zoo.text.markdown import table

if TYPE_CHECKING:
    from recipes.data.photos.diagnosis import Diagnosis
    from recipes.data.photos.scan import Photo
    from recipes.recipe import Recipe
    from recipes.study.cluster.connection import Cluster
    from recipes.study.cluster.terms import Terms

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
RESULTS = ROOT / "results" / "own_photos.json"
FOLDS, SEED = 5, 7
WAYS = ("folds", "views", "runs RECIPE[:VARIANT]", "minutes")
COMMANDS = [f"python benchmarks/own_photos.py {way} FOLDER ..." for way in WAYS]
ENOUGH = "60"


def each(
    work: Callable[..., Any],
    calls: Mapping[str, tuple[Any, ...]],
    cluster: Cluster | None,
    ended: Callable[[str, Any], None] = lambda name, result: None,
) -> dict[str, Any]:
    """What some work gives for each of some calls, by name: one after the other here, or as jobs of a cluster."""

    def watch(name: str, result: Any, done: int, total: int) -> None:
        print(f"{name} ({done} of {total})", flush=True)
        ended(name, result)

    if cluster is not None:
        return cluster.run(there, {name: (work, *arguments) for name, arguments in calls.items()}, watch)
    found: dict[str, Any] = {}
    for name, arguments in calls.items():
        found[name] = work(*arguments)
        watch(name, found[name], len(found), len(calls))
    return found


def there(terms: Terms, work: Callable[..., Any], *arguments: Any) -> Any:
    """Do some work on a worker of a cluster, as long as the command runs."""
    from recipes.study.cluster.worker import at_work

    with at_work(terms) as (_, signals):

        def look() -> None:
            if signals.received is not None:
                raise signals.interrupted("Stopped.")

        return work(*arguments, look=look)


def folds(
    folders: Sequence[Path],
    cluster: Cluster | None = None,
    *,
    weights: str | None = "imagenet",
    bases: tuple[str, ...] = (),
) -> list[dict[str, Any]]:
    """A row for the audition and for each base alone, set by set."""
    from sklearn.model_selection import StratifiedGroupKFold

    from recipes import book
    from recipes.execution.request import Request

    passes, divided, truths = {}, {}, {}
    for folder in folders:
        diagnosis, groups = examined(folder)
        recipe, classes = book.get("own_photos"), diagnosis.listing.classes
        if bases:
            recipe = dataclasses.replace(recipe, audition=bases)
        counts = {name: sum(sides.values()) for name, sides in diagnosis.counts.items()}
        recipe = Request("own_photos", data=str(folder)).for_images(recipe, counts)
        for base, size in recipe.bases():
            passes[folder, base, size] = diagnosis.used, classes, base, size, weights
        truths[folder] = labels = np.array([classes.index(photo.entry.label) for photo in diagnosis.used])
        halves = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED).split(labels, labels, groups)
        divided[folder] = [(recipe, len(classes), labels, groups, train, test) for train, test in halves]
    names: dict[Any, str] = {key: f"{key[0]}: {key[1]} at {key[2]}" for key in passes}
    averages = each(seen, {names[key]: call for key, call in passes.items()}, cluster)
    found = {folder: {key[1:]: averages[names[key]] for key in passes if key[0] == folder} for folder in folders}
    calls = {
        f"{folder}, fold {number}": (found[folder], *given)
        for folder in folders
        for number, given in enumerate(divided[folder])
    }
    held = each(fold, calls, cluster)
    rows = []
    for folder in folders:
        right, chosen = {}, []
        for number, (*_, test) in enumerate(divided[folder]):
            settings, ones = held[f"{folder}, fold {number}"]
            chosen.append(settings)
            for name, one in ones.items():
                right.setdefault(name, np.zeros(len(truths[folder]), bool))[test] = one
        best = right["own_photos"]
        rows += [judged(folder, name, ones, truths[folder], best) for name, ones in right.items()]
        rows[-len(right)]["chosen"] = chosen
    return rows


def seen(
    photos: Sequence[Photo],
    classes: Sequence[str],
    base: str,
    size: int,
    weights: str | None,
    *,
    look: Callable[[], None] = lambda: None,
) -> tuple[np.ndarray, tuple[int, ...]]:
    """What a base finds in photos: the averages of its stages joined, and how many each has."""
    from recipes.data.user_photos import images_of
    from recipes.train.heads.averages import averages

    found = averages(base, images_of(photos, classes, (size, size, 3)), weights=weights, watch=lambda *_: look())
    return found.features, found.widths


def fold(
    seen: Mapping[tuple[str, int], tuple[np.ndarray, tuple[int, ...]]],
    recipe: Recipe,
    classes: int,
    labels: np.ndarray,
    groups: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    *,
    look: Callable[[], None] = lambda: None,
) -> tuple[str, dict[str, np.ndarray]]:
    """What an audition chooses on the photos that train, and which of the others it and each base alone have right."""
    from recipes.train.heads import audition, solver
    from recipes.train.heads.averages import Averages, beside

    found = {key: Averages(*one) for key, one in seen.items()}
    places = train[audition.sample(labels[train], groups[train])]
    best = audition.hold(
        recipe, lambda base, size: found[base, size].select(places), labels[places], groups[places]
    ).best
    candidates = {"own_photos": ((best.backbone, best.size), best.stages, (best.optimizer, best.weight_decay))}
    for base, size in found:
        candidates[f"{base}@{size} alone"] = ((base, size), audition.STAGES[0], audition.HEADS[0])
    right = {}
    for name, ((backbone, size), stages, head) in candidates.items():
        look()
        first, *others = (found[base, size] for base in backbone.split("+"))
        both = beside(first, others[0]) if others else first
        features = both.of_last(min(stages, len(both.widths)))
        balanced = recipe.class_weights is not None
        kernel, bias = solver.solve(*head, 1.0, features[train], labels[train], classes=classes, balanced=balanced)
        scores = features[test] @ kernel + bias
        answers = (scores[:, 0] > 0).astype(int) if classes == 2 else scores.argmax(axis=1)
        right[name] = answers == labels[test]
    return best.settings(), right


def views(folder: Path, *, look: Callable[[], None] = lambda: None) -> list[dict[str, Any]]:
    """A row for one view of each photo, and for two at either time and at both, on one set."""
    from scipy.special import expit, softmax
    from sklearn.model_selection import StratifiedGroupKFold

    from recipes import book
    from recipes.data.user_photos import images_of
    from recipes.train.heads import audition, solver
    from recipes.train.heads.averages import averages

    diagnosis, groups = examined(folder)
    classes, (base, size) = diagnosis.listing.classes, book.get("own_photos").bases()[0]
    images = images_of(diagnosis.used, classes, (size, size, 3))
    mirrored = dataclasses.replace(images, pixels=images.pixels[:][:, :, ::-1])
    labels, stages = images.labels, audition.STAGES[0]
    plain, turned = (averages(base, one, watch=lambda *_: look()).of_last(stages) for one in (images, mirrored))
    right: dict[str, np.ndarray] = {}
    for train, test in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED).split(labels, labels, groups):
        for taught in (1, 2):
            features = np.concatenate([plain[train], turned[train]][:taught])
            kernel, bias = solver.solve(
                *audition.HEADS[0], 1.0, features, np.tile(labels[train], taught), classes=len(classes), balanced=False
            )
            squashed = expit if len(classes) == 2 else (lambda scores: softmax(scores, axis=1))
            answers = [squashed(found[test] @ kernel + bias) for found in (plain, turned)]
            for asked in (1, 2):
                mean = np.mean(answers[:asked], axis=0)
                said = (mean[:, 0] > 0.5).astype(int) if len(classes) == 2 else mean.argmax(axis=1)
                name = f"views taught {taught}, asked {asked}"
                right.setdefault(name, np.zeros(len(labels), bool))[test] = said == labels[test]
    return [judged(folder, name, ones, labels, right["views taught 1, asked 1"]) for name, ones in right.items()]


def examined(folder: Path) -> tuple[Diagnosis, np.ndarray]:
    """What an examination of the photos finds, and a number for each that is used, equal for those that look alike."""
    from recipes.data.photos.diagnosis import examine
    from recipes.recipe import Shares

    diagnosis = examine(folder, Shares())
    return diagnosis, diagnosis.groups(photo.entry.name for photo in diagnosis.used)


def judged(folder: Path, name: str, right: np.ndarray, labels: np.ndarray, reference: np.ndarray) -> dict[str, Any]:
    """A row: how many photos one candidate has right, and how many of them the reference has not."""
    from recipes.evaluate.statistics import mcnemar, wilson

    compared = mcnemar(reference.tolist(), right.tolist())
    return {
        "set": folder.name,
        "what": name,
        "photos": len(labels),
        "classes": len(np.unique(labels)),
        "right": int(right.sum()),
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(np.mean([right[labels == label].mean() for label in np.unique(labels)])),
        "interval": list(wilson(int(right.sum()), len(right))),
        "only_reference": compared.only_first,
        "only_this": compared.only_second,
        "p_value": compared.p_value,
    }


def run(folder: Path, recipe: str, *, look: Callable[[], None] = lambda: None) -> list[dict[str, Any]]:
    """A row: the whole command on one set, in a process of its own that finds the weights and nothing else."""
    from recipes.evaluate.statistics import wilson
    from zoo.cache import cache_folder

    name, _, variant = recipe.partition(":")
    with tempfile.TemporaryDirectory() as place:
        cold = Path(place) / "cache"
        cold.mkdir()
        if (cache_folder() / "weights").is_dir():
            (cold / "weights").symlink_to(cache_folder() / "weights")
        command = [sys.executable, "-m", "recipes.run", name, "--variant", variant or "tuned", "--data", str(folder)]
        began = time.time()
        done([*command, "--out", f"{place}/run", "--quiet"], look, KERAS_ZOO_CACHE=str(cold))
        took = time.time() - began
        manifest = json.loads(Path(place, "run", "manifest.json").read_text())
        scores = json.loads(Path(place, "run", "metrics.json").read_text())["test"]
        log = Path(place, "run", "log.txt").read_text()
    images = sum(manifest["data"]["counts"]["test"].values())
    right = round(scores["accuracy"] * images)
    found = {
        "set": folder.name,
        "what": recipe,
        "photos": sum(sum(side.values()) for side in manifest["data"]["counts"].values()),
        "test_photos": images,
        "right": right,
        "accuracy": scores["accuracy"],
        "balanced_accuracy": scores["balanced_accuracy"],
        "interval": list(wilson(right, images)),
        "minutes": took / 60,
        "seconds_by_stage": manifest["seconds"],
    }
    if answer := re.search(r"^(\S+ \S+),\d+ first answer", log, re.MULTILINE):
        found["first_answer_seconds"] = datetime.fromisoformat(answer[1]).timestamp() - began
    if settings := manifest["settings"].get("model"):
        found["model"] = settings
    return [found]


def done(command: Sequence[str], look: Callable[[], None], **environment: str) -> None:
    """Run a command to its end; it saves and stops where `look` raises."""
    import recipes

    root = Path(recipes.__file__).parents[1]  # Of this project as a worker has it.
    with subprocess.Popen(command, cwd=root, env=os.environ | environment) as process:
        try:
            while process.poll() is None:
                look()
                time.sleep(0.1)
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise Fault(f"{shlex.join(command)} ended with {process.returncode}.")


def minutes(folder: Path, *, look: Callable[[], None] = lambda: None) -> list[dict[str, Any]]:
    """A row: what the further phase brings to one set, whether it is added, and how long it takes."""
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "recipes.run", "own_photos", "--data", str(folder), "--minutes", ENOUGH]
        done([*command, "--out", f"{place}/run", "--quiet"], look)
        trial = json.loads(Path(place, "run", "further.json").read_text())
        held = json.loads(Path(place, "run", "audition.json").read_text())
        scores = json.loads(Path(place, "run", "metrics.json").read_text())["test"]
    best = held["heard"][held["chosen"]]
    return [
        {
            "set": folder.name,
            "what": f"{trial['backbone']}@{trial['size']}",
            "against": f"{best['backbone']}@{best['size']}",
        }
        | trial
        | {"test_photos": scores["images"], "test_right": round(scores["accuracy"] * scores["images"])}
    ]


def markdown(found: dict[str, Any]) -> str:
    """A line a set by folds, and one a complete run."""
    parts = [_by_folds(found["folds"]), ""]
    if found["views"]:
        parts += [_by_folds(found["views"]), ""]
    runs = [
        (
            row["set"], row["what"],
            f"{row['accuracy']:.4f} ({row['interval'][0]:.3f} to {row['interval'][1]:.3f}) of {row['test_photos']}",
            f"{row['minutes']:.1f}",
            f"{row['first_answer_seconds']:.0f} s" if "first_answer_seconds" in row else "",
        )
        for row in sorted(found["runs"], key=lambda row: (row["set"], row["what"]))
    ]  # fmt: skip
    parts += [table(("photos", "recipe", "test photos right (95% interval)", "minutes", "first answer"), runs), ""]
    parts += [_means(found["runs"]), ""]
    if found.get("minutes"):
        parts += [_tried(found["minutes"]), ""]
    hardware, versions = found["hardware"], found["versions"]
    parts += [f"{hardware['processor']}, {hardware['cores']} cores, Keras {versions['keras']}.", ""]
    return "\n".join(parts)


def _means(rows: list[dict[str, Any]]) -> str:
    """A line a recipe that was run on several sets: its means over the sets that all of these were run on."""
    sets: dict[str, set[str]] = {}
    for row in rows:
        sets.setdefault(row["what"], set()).add(row["set"])
    several = {what: names for what, names in sets.items() if len(names) > 1}
    shared = set.intersection(*several.values()) if several else set()
    lines = []
    for what in sorted(several):
        of_it = [row for row in rows if row["what"] == what and row["set"] in shared]
        means = (float(np.mean([row[key] for row in of_it])) for key in ("accuracy", "minutes"))
        lines.append(
            (what, str(len(of_it)), *(f"{mean:.{digits}f}" for mean, digits in zip(means, (4, 1), strict=True)))
        )
    return table(("recipe", "sets", "mean accuracy", "mean minutes"), lines)


def _tried(rows: list[dict[str, Any]]) -> str:
    """A line a set: the further phase by folds."""
    lines = [
        (
            row["set"], row["against"], f"{row['right_before']} of {row['images']}", f"{row['right_after']}",
            f"{row['p_value']:.2g}", f"{np.mean(row['losses_before']):.3f}", f"{np.mean(row['losses_after']):.3f}",
            "yes" if row["helps"] else "no", f"{row['minutes']:.1f}", f"{row['test_right']} of {row['test_photos']}",
        )
        for row in rows
    ]  # fmt: skip
    heads = "photos", "audition chose", "right without it", "right with it", "p", "loss without it", "loss with it"
    return table((*heads, "added", "minutes", "test photos right"), lines)


def _by_folds(rows: list[dict[str, Any]]) -> str:
    """A line a set and a column a candidate, with their means over the sets."""
    sets, whats = (list(dict.fromkeys(row[key] for row in rows)) for key in ("set", "what"))
    by = {(row["set"], row["what"]): row for row in rows}
    lines = [
        (f"{name}, {by[name, whats[0]]['photos']:,}", *(_share(by.get((name, what))) for what in whats))
        for name in sets
    ]
    means = [np.mean([by[name, what]["accuracy"] for name in sets if (name, what) in by]) for what in whats]
    return table(("photos", *whats), [*lines, ("mean", *(f"{mean:.4f}" for mean in means))])


def _share(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    low, high = row["interval"]
    return f"{row['accuracy']:.4f} ({low:.3f} to {high:.3f})"


def store(what: str, rows: list[dict[str, Any]], *, whole: bool) -> None:
    """Put rows in the place of earlier ones, of whole sets or one by one, and the tables on the page."""
    from recipes.execution import environment
    from recipes.files.atomic import write_json
    from recipes.study.results_table import put_in_docs

    stored = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    stored = {"folds": [], "views": [], "runs": [], "minutes": []} | stored
    for row in rows:
        print(row, flush=True)
    new = {(row["set"], row["what"]) for row in rows}
    gone = {row["set"] for row in rows} if whole else set()
    kept = [row for row in stored[what] if row["set"] not in gone and (row["set"], row["what"]) not in new]
    stored[what] = kept + rows
    stored |= {"commands": COMMANDS, "versions": environment.versions(), "hardware": environment.hardware()}
    write_json(RESULTS, stored)
    put_in_docs(ROOT / "docs", "photos.md", "own photos", markdown(stored))


def main(arguments: Sequence[str] | None) -> int:
    """Judge every set, print, and store."""
    from recipes.execution.request import Request
    from recipes.study.cluster.connection import connected
    from zoo.cache import cache_folder

    parse = Parser("own_photos", __doc__ or "")
    parse.prog = "python benchmarks/own_photos.py"
    parse.add_argument("what", choices=("folds", "views", "runs", "minutes"))
    parse.add_argument("arguments", nargs="+", metavar="[RECIPE[:VARIANT]] FOLDER ...")
    parse.add_cluster()
    options = parse.parse(arguments)
    given = list(options.arguments)
    recipe = (given.pop(0),) if options.what == "runs" else ()
    folders = [Path(one).expanduser().absolute() for one in given]
    if not folders:
        raise UsageFault("Which photos? runs takes a recipe and then folders.")
    request = Request("own_photos", data=str(folders[0]))
    with connected(options.cluster, request, cache_folder()) as cluster:
        if options.what == "folds":
            for some in [folders] if cluster else [[folder] for folder in folders]:
                store("folds", folds(some, cluster), whole=True)
            return 0
        work = {"views": views, "runs": run, "minutes": minutes}[options.what]
        calls = {str(folder): (folder, *recipe) for folder in folders}
        each(work, calls, cluster, lambda name, rows: store(options.what, rows, whole=not recipe))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main, None))
