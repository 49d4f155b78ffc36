"""The first evening, walked by a newcomer who has the wheel and no clone: run by tests/test_first_evening.py.

    python first_evening.py WHEEL_IS_INSTALLED_IN PAGE_OF_THE_CELL PAGE_OF_FIFTEEN_MINUTES

The current folder holds `album`, photos of two classes mixed, `named.csv`, the classes of a few, `more`, photos of
a third class, and `quarter`, what the page of fifteen minutes asks for: photo.jpg and ten photos in an album. What is
seen on the way is printed as JSON.
"""

import contextlib
import dataclasses
import http.server
import importlib
import json
import re
import shlex
import shutil
import subprocess
import sys
import types
from pathlib import Path
from unittest import mock

import recipes
import zoo
from recipes import export, predict, run, sort, verify
from recipes.book import own_photos
from zoo.pretrained.bases import BASES

# `python -P` finds the wheel's packages alone; these are the tests' own.
sys.path.append(str(Path(__file__).parent))
import undrawn  # noqa: E402
from small_bases import BOTH  # noqa: E402

CLASSES = ("--classes", "flower,temple")
# At full size, and with five large bases, it is the same walk and takes minutes.
BASES |= {base.name: base for base in BOTH}
own_photos.TUNED = dataclasses.replace(
    own_photos.TUNED, image_size=64, model={"backbone": "small"}, audition=("small@64", "other@64")
)


def done(verb, *arguments):
    """A command that ends well."""
    code = verb.main([str(argument) for argument in arguments])
    if code:
        sys.exit(f"{verb.__name__} {arguments}: {code}")


@contextlib.contextmanager
def nothing_drawn():
    """Runs without pictures and page: one run that has them is enough."""
    with contextlib.ExitStack() as patches:
        for name, instead in undrawn.in_place():
            patches.enter_context(mock.patch(name, instead))
        yield


def cell_of(page):
    """The notebook's cell, with its line for pip left out."""
    (cell,) = re.findall(r"^```py\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    install, code = cell.split("\n", 1)
    assert install.startswith("%pip install"), install
    return code


def installed(lines):
    """Run the lines of an installation; pip's, which wants the network, is only compared."""
    *lines, last = lines
    assert last == "pip install -e .", last
    shell = "\n".join([*lines, "python -c 'import sys; print(sys.prefix)'"])
    ended = subprocess.run(["/bin/bash", "-ec", shell], check=True, capture_output=True, text=True)
    assert Path(ended.stdout.strip()) == Path(".venv").resolve()


def quarter_of_an_hour(page):
    """Each command of the page, in order, in the folder `quarter`; the page of an album is ended at once.

    A table that the page shows is written before the command that reads it, and what is proposed is agreed to.
    """
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    (named,) = [body for language, body in blocks if language == "text" and body.startswith("path,label\n")]
    Path("named.csv").write_text(named, encoding="utf-8")
    install, *commands = [body.splitlines() for language, body in blocks if language == "sh"]
    installed(install)
    ended = mock.patch.object(http.server.ThreadingHTTPServer, "serve_forever", side_effect=KeyboardInterrupt)
    walked = []
    for (command,) in commands:
        python, dash_m, verb, *arguments = shlex.split(command)
        assert (python, dash_m) == ("python", "-m"), command
        is_page = verb == "recipes.sort" and "--csv-in" not in arguments
        if "proposed.csv" in arguments and "--out" in arguments:
            proposed = Path("proposed.csv").read_text(encoding="utf-8")
            Path("proposed.csv").write_text(proposed.replace(",proposed,", ",named,"), encoding="utf-8")
        with ended if is_page else contextlib.nullcontext():
            done(importlib.import_module(verb), *arguments, *(("--port", "0") if is_page else ()))
        walked.append(verb)
    return walked


def main(site, page, fifteen_minutes):
    """From the album to a bundle of three classes, and the notebook's cell; then the page of fifteen minutes."""
    seen = {"from": [str(Path(package.__file__).is_relative_to(site)) for package in (zoo, recipes)]}
    done(sort, "album", *CLASSES, "--csv-in", "named.csv", "--csv", "proposed.csv")
    proposed = Path("proposed.csv").read_text(encoding="utf-8")
    Path("agreed.csv").write_text(proposed.replace(",proposed,", ",named,"), encoding="utf-8")
    done(sort, "album", *CLASSES, "--csv-in", "agreed.csv", "--out", "sorted")
    seen["sorted"] = {path.name: len(list(path.glob("*.jpg"))) for path in Path("sorted").iterdir() if path.is_dir()}
    with nothing_drawn():
        done(run, "--data", "sorted", "--out", "first", "--quiet")
    shutil.copytree("more", "sorted/옷")
    done(run, "--data", "sorted", "--after", "first", "--out", "second")
    done(predict, "second", "album", "--unlabelled", "--copy-to", "answers", "--unsure", "0.8")
    seen["answers"] = {path.name: len(list(path.glob("*.jpg"))) for path in Path("answers").iterdir() if path.is_dir()}
    done(export, "second", "--to", "onnx", "--out", "bundle")
    done(verify, "bundle")

    shutil.make_archive("photos", "zip", "sorted")
    shutil.rmtree("sorted")
    fetched = []
    colab = types.SimpleNamespace(files=types.SimpleNamespace(download=fetched.append))
    sys.modules |= {"google.colab": colab, "google.colab.files": colab.files}
    with nothing_drawn():
        exec(compile(cell_of(page), str(page), "exec"), {"__name__": "__main__"})  # noqa: S102
    seen["fetched"] = fetched
    with contextlib.chdir("quarter"), nothing_drawn():
        seen["walked"] = quarter_of_an_hour(fifteen_minutes)
    print(json.dumps(seen))


main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]), Path(sys.argv[3]))
