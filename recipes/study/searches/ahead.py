"""Which trials come next whatever those before them give: these can be trained at the same time.

keras-tuner is asked several times, with other guesses for every trial that has not ended; what it proposes alike to all
does not depend on them. Random proposals never do. Bayesian ones do after the first few, so that such a search goes on
one trial after the other: its proposals, and so its result, are those of one process. Where a guess was wrong all the
same, a training was in vain, and no more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from recipes.execution.request import Request
from recipes.study.cluster.connection import Cluster
from recipes.study.searches import jobs
from recipes.study.searches.search import Search
from recipes.study.searches.trial import Trial

if TYPE_CHECKING:
    from distributed import Future

    from recipes.study.searches.settings import Settings

# What a trial is taken to reach, by its number.
GUESSES: tuple[Callable[[int], float], ...] = (
    lambda number: (number + 1) / (number + 2),
    lambda number: 1 / (number + 2),
    lambda number: 0.5 + (-1) ** number / (number + 3),
)
# So many trials are asked for ahead, for each worker.
FOR_EACH = 4


@dataclass
class _Guessing(Search):
    """A search that trains nothing.

    Attributes:
        guess: The accuracy of a trial by its number.
        most: Guess so many trials.
        guessed: What was proposed and has not ended.
    """

    guess: Callable[[int], float] = GUESSES[0]
    most: int = 1
    guessed: list[Trial] = field(default_factory=list)

    def try_out(self, proposed: Trial) -> Trial:
        self.guessed.append(proposed)
        accuracy = self.guess(proposed.number)
        return dataclasses.replace(proposed, val_accuracy=accuracy, val_loss=1 - accuracy)

    def remember(self, trial: Trial) -> None:
        pass

    def is_over(self) -> bool:
        return len(self.guessed) >= self.most


def independent(search: Search, most: int) -> list[Trial]:
    """The trials that a search proposes next, whatever those before them that have not ended give.

    Args:
        search: As far as it is remembered.
        most: So many, at most.
    """
    known = {item.name: getattr(search, item.name) for item in dataclasses.fields(Search)}
    known |= {"elsewhere": None, "on_trial": lambda trial: None}
    proposed = []
    for guess in GUESSES:
        guessing = _Guessing(**known | {"found": []}, guess=guess, most=most)
        guessing.propose()
        proposed.append(guessing.guessed)
    alike = takewhile(lambda trials: all(trial == trials[0] for trial in trials), zip(*proposed, strict=False))
    return [first for first, *_ in alike]


def on(cluster: Cluster, request: Request, settings: Settings, folder: Path) -> Callable[[Search, Trial], Trial]:
    """What trains the trials of a search on a cluster: with each also those that do not depend on it."""
    under_way: list[tuple[Trial, Future]] = []

    def train(search: Search, proposed: Trial) -> Trial:
        if proposed not in [trial for trial, _ in under_way]:
            for trial in independent(search, FOR_EACH * cluster.workers):
                arguments = request, settings, folder.absolute(), dataclasses.asdict(trial)
                under_way.append((trial, cluster.submit(jobs.try_out, *arguments)))
        future = next(future for trial, future in under_way if trial == proposed)
        cluster.ended([future], search.trainer.refuse_to_go_on)  # keras-tuner lets a signal only be remembered.
        return Trial(**cluster.result(f"trial {proposed.number}", future))

    return train
