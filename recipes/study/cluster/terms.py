"""What a worker must have before it works: the same versions and code, the shared folders, the data."""

from __future__ import annotations

import hashlib
import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import recipes
import zoo
from recipes import data
from recipes.console.backend import chosen
from recipes.errors import Fault, UsageFault
from recipes.execution import environment
from recipes.execution.request import Request
from recipes.recipe.diff import differences


@dataclass(frozen=True)
class Terms:
    """What the command has, and every worker must have.

    Attributes:
        request: What is asked, or one of many that differ in seed or fold.
        recipe: Its recipe's values.
        kind: Where its images come from, as `recipes.data.Origin` says it.
        backend: Of Keras.
        versions: Of Python and of the packages a result depends on.
        code: The `code` of the project.
        token: A file that is there as long as the command runs, in the folder of what is made.
    """

    request: Request
    recipe: dict
    kind: str
    backend: str
    versions: dict[str, str]
    code: str
    token: Path

    @classmethod
    def here(cls, request: Request, token: Path) -> Terms:
        """What this process has.

        Raises:
            Fault: When the recipe cannot be asked for so, or the data is nowhere.
        """
        recipe = request.recipe(request.dataset()).as_dict()
        return cls(request, recipe, _kind(request), chosen(), environment.versions(), code(), token)

    def require(self, *, jobs_at_once: int) -> None:
        """Refuse to work in a process that does not have what the command has.

        Args:
            jobs_at_once: Jobs that the process takes at once.

        Raises:
            UsageFault: With the process, what it lacks and how to mend it.
        """
        if reason := self._lacks(jobs_at_once):
            raise UsageFault(f"The worker {os.getpid()} on {socket.gethostname()} cannot work for this: {reason}")

    def _lacks(self, jobs_at_once: int) -> str:
        if jobs_at_once != 1:
            return f"it takes {jobs_at_once} jobs at once, which share one Keras. Start it with --nthreads 1."
        if self.backend != (found := chosen()):
            return f"Keras is set to {found} there, and to {self.backend} here. Set KERAS_BACKEND for the worker."
        if changes := differences(self.versions, environment.versions()):
            return f"it has other versions ({'; '.join(changes)}). Install the same there."
        if self.code != code():
            return "it has other code of this project. Install the same there, and start the worker anew."
        if not self.token.exists():
            return f"it does not see the folder {self.token.parent}. Mount it there, at the same path."
        try:
            kind = _kind(self.request)
        except Fault as fault:
            return f"it does not see the data. {fault}"
        if kind != self.kind:
            return f"it finds the data as {kind}, and here it is {self.kind}. Let both see the same (--data-dir)."
        if changes := differences(self.recipe, self.request.recipe(self.request.dataset()).as_dict()):
            return f"the recipe is another one there ({'; '.join(changes)}). Install the same there."
        return ""


@cache
def code() -> str:
    """sha256 over the project's own modules, as they were when this process first asked."""
    digest = hashlib.sha256()
    for package in (zoo, recipes):
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _kind(request: Request) -> str:
    asked = request.dataset(), request.data_mode(), request.data_dir, request.decisions
    return data.find(*asked, group_by=request.group_by).kind
