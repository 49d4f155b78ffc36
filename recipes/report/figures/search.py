"""What a search found, as lines of text and as a picture."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from recipes.recipe.search_space import LogFloat, OneOf, Space
from recipes.report.figures import style

if TYPE_CHECKING:
    from recipes.study.searches.trial import Trial

SHOWN = 10
COLUMNS = 3


def trial_line(trial: Trial) -> str:
    """A finished trial in a line."""
    values = "  ".join(f"{path}={value}" for path, value in trial.values.items())
    figures = trial.reason or f"val_accuracy {trial.val_accuracy:.4f}  val_loss {trial.val_loss:.4f}"
    onward = f", on from trial {trial.goes_on}" if trial.goes_on is not None else ""
    return f"trial {trial.number}: {figures}  {trial.epochs} epochs{onward}, {trial.seconds:.0f} s  {values}"


def lines(found: Mapping[str, Any]) -> list[str]:
    """The best trials, what the best is worth on other seeds, and whether to take its settings.

    Args:
        found: What `search.json` holds.
    """
    best, objective = found["trials"][found["best"]], found["objective"]
    said = ["", *table(found), ""]
    said.append(
        f"trial {best['number']} had {best[objective]:.4f} in the search, the best of {len(found['trials'])} figures; "
        "trained again, it has:"
    )
    for kind, title in (("winner", f"trial {best['number']}"), ("page", "as the page has it")):
        said.append(f"  {title:<18}  {over_seeds(found['retrained'][kind], objective)}")
    return [*said, verdict_line(found)]


def verdict_line(found: Mapping[str, Any]) -> str:
    """Whether the best trial's settings are better than the page's, by how much, and how sure that is."""
    verdict, name = found["verdict"], f"trial {found['best']}"
    said = f"{name} is better than the page" if verdict["won"] else f"the page's settings stay, {name} is no better"
    if verdict["difference"] is None:
        return f"{said}: there is no seed on which neither failed"
    said += f": a gain of {verdict['difference']:+.4f} in {found['objective']}"
    if verdict["interval"] is not None:
        low, high = verdict["interval"]
        said += f", 95% interval {low:+.4f} to {high:+.4f}" + (", so it may be chance" if low <= 0 <= high else "")
    return said


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


def over_seeds(runs: Sequence[Mapping[str, Any]], objective: str = "val_accuracy") -> str:
    """The figure that was to be best over seeds, with its spread."""
    sound = [run for run in runs if "reason" not in run]
    words = [f"seed {run['seed']} failed: {run['reason']}" for run in runs if "reason" in run]
    if len(sound) > 1:
        figures = [run[objective] for run in sound]
        seeds = ", ".join(str(run["seed"]) for run in sound)
        words.insert(
            0, f"{objective} {statistics.mean(figures):.4f} ± {statistics.stdev(figures):.4f} on seeds {seeds}"
        )
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
