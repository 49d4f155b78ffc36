"""What a search found, as lines of text and as a picture."""

from __future__ import annotations

import logging
import shlex
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from recipes.report import style
from recipes.screen import RESULT
from recipes.space import LogFloat, OneOf, Space

if TYPE_CHECKING:
    from recipes.request import Request
    from recipes.trial import Trial

SHOWN = 10
COLUMNS = 3
log = logging.getLogger("recipes")


def trial_line(trial: Trial) -> str:
    """A finished trial in a line."""
    values = "  ".join(f"{path}={value}" for path, value in trial.values.items())
    figures = trial.reason or f"val_accuracy {trial.val_accuracy:.4f}  val_loss {trial.val_loss:.4f}"
    onward = f", on from trial {trial.goes_on}" if trial.goes_on is not None else ""
    return f"trial {trial.number}: {figures}  {trial.epochs} epochs{onward}, {trial.seconds:.0f} s  {values}"


def say(found: Mapping[str, Any], request: Request, folder: Path) -> None:
    """Say the best trials, what the best is worth on other seeds, and how to go on."""
    best = found["trials"][found["best"]]
    log.log(RESULT, "")
    for line in table(found):
        log.log(RESULT, "%s", line)
    log.log(RESULT, "")
    log.log(
        RESULT, "trial %d had %.4f in the search, the best of %d figures; trained again, it has:",
        best["number"], best["val_accuracy"], len(found["trials"]),
    )  # fmt: skip
    for kind, title in (("winner", f"trial {best['number']}"), ("page", "as the page has it")):
        log.log(RESULT, "  %-18s  %s", title, over_seeds(found["retrained"][kind]))
    log.log(RESULT, "written %s: search.json, slices.png, TUNED.diff", folder)
    words = ["python", "-m", "recipes.run", request.name]
    words += [] if request.variant == "tuned" else ["--variant", request.variant]
    values = {**dict(request.overrides), **best["values"]}
    words += [word for path, value in values.items() for word in ("--set", f"{path}={value}")]
    log.log(RESULT, "next   %s", shlex.join(words))


def table(found: Mapping[str, Any]) -> list[str]:
    """The best trials as lines of text, best first, then those that failed with their reasons."""
    sign = -1 if found["objective"] == "val_accuracy" else 1
    ended = [trial for trial in found["trials"] if not trial["reason"]]
    ended.sort(key=lambda trial: (-trial["epochs"], sign * trial[found["objective"]]))
    rows = [("trial", "epochs", "val_accuracy", "val_loss", *found["space"])]
    for trial in ended[:SHOWN]:
        figures = (f"{trial['val_accuracy']:.4f}", f"{trial['val_loss']:.4f}")
        rows.append((str(trial["number"]), str(trial["epochs"]), *figures, *map(str, trial["values"].values())))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    if len(ended) > SHOWN:
        lines.append(f"and {len(ended) - SHOWN} more, in search.json")
    failed = [trial for trial in found["trials"] if trial["reason"]]
    return lines + [f"trial {trial['number']} failed: {trial['reason']}" for trial in failed]


def over_seeds(runs: Sequence[Mapping[str, Any]]) -> str:
    """Validation accuracy over seeds, with its spread."""
    accuracies = [run["val_accuracy"] for run in runs if "reason" not in run]
    words = [f"seed {run['seed']} failed: {run['reason']}" for run in runs if "reason" in run]
    if len(accuracies) > 1:
        seeds = ", ".join(str(run["seed"]) for run in runs)
        spread = f"{statistics.mean(accuracies):.4f} ± {statistics.stdev(accuracies):.4f}"
        words.insert(0, f"val_accuracy {spread} on seeds {seeds}")
    return "; ".join(words)


def slices_figure(found: Mapping[str, Any], space: Mapping[str, Space]) -> Figure:
    """The figure of each trial against each value that was searched, a panel each; the best is ringed.

    Args:
        found: What `search.json` holds.
        space: The ranges that were searched, by path.
    """
    style.apply()
    ended = [trial for trial in found["trials"] if not trial["reason"]]
    best = found["trials"][found["best"]]
    rows = -(-len(space) // COLUMNS)
    columns = min(COLUMNS, len(space))
    figure, panels = plt.subplots(
        rows, columns, figsize=(4.2 * columns, 3.2 * rows), sharey=True, squeeze=False, layout="constrained"
    )
    figures = [trial[found["objective"]] for trial in ended]
    epochs = [trial["epochs"] for trial in ended]
    for axes, (path, wanted) in zip(panels.flat, space.items(), strict=False):
        places = _places(axes, wanted)
        values = [places(trial["values"][path]) for trial in ended]
        dots = axes.scatter(values, figures, c=epochs, cmap=style.HEAT, vmin=0, ec="#57606a")
        chosen = places(best["values"][path]), best[found["objective"]]
        axes.plot(*chosen, "o", ms=12, mfc="none", mec=style.CHOSEN, mew=2)
        axes.set(xlabel=path)
    for axes in panels.flat[len(space) :]:
        axes.set_visible(False)
    for axes in panels[:, 0]:
        axes.set(ylabel=found["objective"])
    if len(set(epochs)) > 1:
        figure.colorbar(dots, ax=panels, label="epochs")
    figure.suptitle(f"{found['name']}: {len(found['trials'])} trials, {found['tuner']}", fontweight="bold")
    return figure


def _places(axes: Axes, wanted: Space) -> Callable[[Any], float]:
    """Give a panel the scale of a range; the function puts a value on it."""
    if isinstance(wanted, OneOf):
        axes.set_xticks(range(len(wanted.values)), [str(value) for value in wanted.values])
        axes.set_xlim(-0.5, len(wanted.values) - 0.5)
        return wanted.values.index
    if isinstance(wanted, LogFloat):
        style.log_ticks(axes, subs=(1, 3))
    margin = 0.05
    low, high = wanted.ends()
    if isinstance(wanted, LogFloat):
        axes.set_xlim(low * (low / high) ** margin, high * (high / low) ** margin)
    else:
        axes.set_xlim(low - margin * (high - low), high + margin * (high - low))
    return float
