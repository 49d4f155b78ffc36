"""Saved networks: read in safe mode, with the modules that their own layers need."""

from __future__ import annotations

import importlib
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipes.errors import CorruptFault, UsageFault, first_line
from zoo import plugins, registry
from zoo.checksum import sha256_of
from zoo.pretrained.readers import refuse_bombs

if TYPE_CHECKING:
    import keras

REGISTER = "@keras.saving.register_keras_serializable(package=...)"
# How Keras says that a class or function in a file is registered by nobody: in .keras files, and in .h5 files.
_UNKNOWN = re.compile(r"Could not locate (?:class|function) '([^']+)'|Unknown [^:']{1,30}: '([^']+)'")


def read(path: Path, modules: Sequence[str] = ()) -> keras.Model:
    """Load a saved network; nothing in it is run as code.

    Args:
        path: A `.keras` or `.h5` file.
        modules: Those its own layers may be in; imported only when the network holds one that is not known yet.

    Raises:
        UsageFault: When a module that it needs cannot be imported.
        CorruptFault: When it cannot be loaded; an own layer is named, with what to write above its class.
    """
    import keras

    try:
        refuse_bombs(path)
    except Exception as error:  # h5py raises what it likes of a damaged file.
        raise _as_fault(path, error, None) from error
    waiting, missing = list(modules), None
    while True:
        try:
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
        except Exception as error:  # Keras raises whatever its readers raise.
            if not waiting or not _UNKNOWN.search(str(error)):
                raise _as_fault(path, error, missing) from error
        else:
            model.jit_compile = False  # XLA makes small convolutions several times slower on a CPU.
            return model
        try:
            import_module(waiting.pop(0))
        except UsageFault as fault:
            missing = fault


def refuse_other_files(path: Path) -> None:
    """Refuse what is neither a `.keras` nor an `.h5` file by its content.

    Raises:
        CorruptFault: With its size and checksum.
    """
    import h5py

    if not (zipfile.is_zipfile(path) or h5py.is_hdf5(path)):
        raise CorruptFault(
            f"{path} is corrupt, or no saved network: {path.stat().st_size:,} bytes with sha256 "
            f"{sha256_of(path)[:12]}... Get it again."
        )


def mend(layer: keras.layers.Layer) -> str:
    """What to change so that a layer can be copied, saved and loaded."""
    import keras

    if isinstance(layer, keras.layers.Lambda):
        return f"Make it a layer of your own: class MyLayer(keras.layers.Layer) with a call, under {REGISTER}."
    return (
        f"Its class needs {REGISTER} above it, an __init__ that takes its settings and **kwargs and hands these to "
        "super().__init__, and a get_config that gives the settings back."
    )


def import_module(name: str) -> None:
    """Import a module, so that the layers it registers can be loaded.

    Raises:
        UsageFault: When it cannot be imported, whatever it raises.
    """
    try:
        importlib.import_module(name)
    except Exception as error:  # A module of anybody's raises what it likes.
        raise UsageFault(
            f"The module {name!r} cannot be imported: {plugins.blame(error)}. Call this where Python finds it, or name "
            "the module that holds its layers now: --import MODULE"
        ) from error


def own_parts(model: keras.Model) -> dict[str, str]:
    """Layers and functions in a network that are not Keras's: registered name to module, "" for a function."""
    import keras

    return dict(_own(keras.saving.serialize_keras_object(model)))


def modules_of(model: keras.Model, others: Iterable[str] = ()) -> list[str]:
    """The modules to import before a network can be loaded: those of its own layers, and others that are named.

    Keras, this package and a script that was run itself need no import, or cannot be imported.
    """
    known = {"", "__main__", "builtins", "keras", "zoo", "recipes"}
    return sorted(name for name in {*own_parts(model).values(), *others} if name.split(".")[0] not in known)


def modules_of_run(model: keras.Model, recipe: str, architecture: str) -> list[str]:
    """Those of a run's network, of its recipe where that is `MODULE:RECIPE`, and of its architecture's builder."""
    module, colon, _ = recipe.partition(":")
    return modules_of(model, [module if colon else "", registry.module_of(registry._builder(architecture))])


def _own(config: Any) -> Iterator[tuple[str, str]]:
    if isinstance(config, dict):
        name, module = config.get("registered_name"), config.get("module") or ""
        if config.get("class_name") == "function":
            if ">" in str(config["config"]):
                yield config["config"], ""
        elif name and module.split(".")[0] != "keras":
            yield name, module
    for part in config.values() if isinstance(config, dict) else config if isinstance(config, list | tuple) else ():
        yield from _own(part)


def _as_fault(path: Path, error: Exception, missing: UsageFault | None) -> CorruptFault | UsageFault:
    if found := _UNKNOWN.search(str(error)):
        if missing is not None:
            return UsageFault(f"{path} holds {found[1] or found[2]!r}. {missing}")
        old = "" if path.suffix == ".keras" else " What keras.ops made can only be read from a .keras file."
        return CorruptFault(
            f"{path} cannot be loaded: it holds {found[1] or found[2]!r}, which no imported module registers. "
            f"Put {REGISTER} above it and name its module: --import MODULE.{old}"
        )
    if "`Lambda` layer" in str(error):
        return CorruptFault(
            f"{path} cannot be loaded: it holds a Lambda layer, whose Python code is not run from a file. "
            f"Make it a layer of your own under {REGISTER}, and save the network again."
        )
    return CorruptFault(
        f"{path} cannot be loaded: {first_line(error)}. It is damaged, or another version of Keras wrote it: save or "
        "get it again."
    )
