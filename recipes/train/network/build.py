"""The one place that builds a recipe's network, makes it one flat graph, and checks that it can be trained here.

What a person brings is a guest: functional, sequential or subclassed, with bases inside. It becomes a plain flat
`keras.Model` that is known to save and load, or is refused in words, from its images' shape and the number of classes
alone, before a photo is decoded.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

import zoo
from recipes import precision
from recipes.console.backend import reset_keras
from recipes.errors import CorruptFault, EnvironmentFault, Fault, UsageFault, wants_memory
from recipes.freeze.layers import set_trainable, thaw
from recipes.lint.graph import listed
from recipes.recipe import Recipe
from recipes.train.network import contract, guest
from zoo import plugins
from zoo.checks import Shape
from zoo.pretrained.weight_files import NEW_HEAD, WeightsUnfit
from zoo.registry import BUILTIN
from zoo.structure.code import code_digest
from zoo.structure.flatten import only_random, without
from zoo.structure.graph import calls
from zoo.weights import Source, WeightsCorrupt, WeightsMissing

log = logging.getLogger("recipes")

# Which number format a network trains in, and which of its layers, is the run's to choose.
_OF_THE_RUN = ("dtype", "name", "trainable")


def build(
    recipe: Recipe, image_shape: tuple[int, int, int], classes: int, seed: int, weights: Source | None
) -> keras.Model:
    """A recipe's network, freshly initialised from the seed. Its layers are called the same in every build.

    Args:
        recipe: Names the architecture, its keywords and the phases.
        image_shape: (height, width, channels) of the images.
        classes: How many classes they have.
        seed: Fixes the weights.
        weights: Pretrained weights, from `prepare.find_weights`.

    Returns:
        A flat functional network, not compiled, from raw 0-255 pixels (batch, *image_shape) to probabilities:
        (batch, classes), or (batch, 1) for two classes.

    Raises:
        UsageFault: When the architecture is unknown or cannot take the images, or the network breaks the contract;
            the message names the layer and the line to change.
        EnvironmentFault: When its weights are not there.
        CorruptFault: When its weights fail their check.
    """
    model = _flat(recipe, image_shape, classes, seed, weights)
    if weights is not None and recipe.architecture not in BUILTIN:
        _refuse_ignored_weights(recipe, model, _flat(recipe, image_shape, classes, seed, None), weights)
    return model


def _flat(recipe: Recipe, image_shape: Shape, classes: int, seed: int, weights: Source | None) -> keras.Model:
    model = _from_builder(recipe, image_shape, classes, seed, weights)
    pictures = np.random.default_rng(0).integers(0, 256, (2, *image_shape)).astype("float32")
    if recipe.architecture in BUILTIN:  # Flat by contract, and proven to save and load.
        flat = model
    else:
        contract.check_interface(recipe.architecture, model, image_shape)
        flat = guest.followed(recipe.architecture, model, pictures)
        if not contract.has_name_for_tensorflow(flat):
            flat.name = "network"  # Nobody looks for it; layers are looked for by their names.
    contract.check_output(recipe.architecture, flat, classes, pictures)
    if held := _random_and_held(flat, recipe):
        flat = without(flat, held)
    if flat is model:
        return model
    loaded = precision.keep_as(flat, guest.reloaded(recipe.architecture, flat, pictures))
    guest.check_step(recipe.architecture, loaded, pictures)
    guest.check_frozen(recipe.architecture, flat, _frozen_by_a_phase(flat, recipe), pictures)
    return loaded


def _from_builder(recipe: Recipe, image_shape: Shape, classes: int, seed: int, weights: Source | None) -> keras.Model:
    """What the builder gives."""
    name = recipe.architecture
    given: Source | str | None = weights
    if name not in BUILTIN and weights is not None:  # A builder from elsewhere hands them to Keras.
        given = f"{NEW_HEAD * weights.new_head}{weights.path}" if weights.kind == "file" else recipe.weights
    if taken := sorted({"input_shape", "classes", "weights"} & set(recipe.model)):
        raise UsageFault(f"The keyword {taken[0]!r} of {name!r} is not the recipe's to set. Remove it from model={{}}.")
    keywords: dict[str, Any] = {"input_shape": image_shape, "classes": classes, "weights": given} | dict(recipe.model)
    keras.utils.clear_session(free_memory=False)  # Layers without names are counted from the start.
    keras.utils.set_random_seed(seed)
    try:
        try:
            model = zoo.get(name, **keywords)
        except ValueError as error:
            if "names should be unique" not in str(error):
                raise
            # Layers made when the module was read have those names already: count on.
            keras.utils.set_random_seed(seed)
            model = zoo.get(name, **keywords)
        return precision.keep_own(model) if isinstance(model, keras.Model) else model
    except WeightsMissing as error:
        raise EnvironmentFault(str(error)) from error
    except WeightsCorrupt as error:
        raise CorruptFault(str(error)) from error
    except WeightsUnfit as error:
        raise UsageFault(str(error)) from error
    except (Fault, ModuleNotFoundError):
        raise
    except Exception as error:
        if wants_memory(error) or (name in BUILTIN and not isinstance(error, ValueError)):
            raise
        raise UsageFault(str(error) if name in BUILTIN else _builder_failed(name, error)) from error
    finally:
        reset_keras()  # The run chooses the number format, not a builder in passing.


def _builder_failed(name: str, error: Exception) -> str:
    """What somebody's builder raised, and in which line of theirs."""
    where = plugins.line_of(error)
    if not where:
        return str(error)
    return f"The builder of {name!r} failed at {where}: {type(error).__name__}: {guest.cause_of(error)}"


def _refuse_ignored_weights(recipe: Recipe, model: keras.Model, without_them: keras.Model, weights: Source) -> None:
    pairs = zip(model.get_weights(), without_them.get_weights(), strict=True)
    if all(np.array_equal(one, other) for one, other in pairs):
        raise UsageFault(
            f"The builder of {recipe.architecture!r} does not use the weights {weights.path}: the network is the same "
            "without them. End it with: return zoo.weights.load_weights(model, weights)"
        )


def _random_and_held(model: keras.Model, recipe: Recipe) -> list[str]:
    """Layers of a base that only draw random numbers, with nothing below them that any phase trains.

    A base is what lies below a head, layers named `head_*`. Its BatchNormalization is held in every phase; so is its
    dropout, or every image would pass the frozen part anew.
    """
    if not any(layer.name.startswith("head_") for layer in model.layers):
        return []
    candidates = [layer.name for layer in model.layers if only_random(layer) and not layer.name.startswith("head_")]
    if not candidates:
        return []
    flags = [layer.trainable for layer in model.layers]
    trained = {name for phase in recipe.phases for name in thaw(model, phase.train)}
    set_trainable(model, flags)
    above: set[str] = set()
    for call in calls(model):
        if call.name in trained or any(name in above for name, _ in call.sources):
            above.add(call.name)
    return [name for name in candidates if name not in above]


def _frozen_by_a_phase(model: keras.Model, recipe: Recipe) -> set[str]:
    names = {layer.name for layer in model.layers}
    return set().union(*(names - set(thaw(model, phase.train)) for phase in recipe.phases))


def say_what_was_frozen(recipe: Recipe, model: keras.Model) -> None:
    """Say of a network just built that a phase trains what it names, whatever the builder froze, and what is held."""
    if recipe.architecture in BUILTIN:
        return
    below = [layer for layer in model.layers if not layer.name.startswith("head_")]
    held = [layer.name for layer in below if layer.trainable and isinstance(layer, keras.layers.BatchNormalization)]
    if held and len(below) < len(model.layers):
        log.warning(
            "NOTICE layers called head_* make what is below a base, whose BatchNormalization no phase trains: %s. If "
            "%r begins untrained, call its last layers otherwise.", listed(held), recipe.architecture,
        )  # fmt: skip
    frozen = [layer.name for layer in model.layers if layer.weights and not layer.trainable]
    for phase in recipe.phases:
        if frozen and phase.train == ("*",):
            log.warning(
                "NOTICE phase %r trains every layer, also the %d that the builder of %r froze: %s. "
                "Name in train=(...) what is to train.",
                phase.name, len(frozen), recipe.architecture, listed(frozen),
            )  # fmt: skip


def describe(model: keras.Model) -> dict[str, Any]:
    """The structure of a network, small and JSON-ready: its layers, what each is and takes its input from.

    Args:
        model: A flat functional network.

    Returns:
        `{"digest": sha256 of the rest, "layers": {name: {"class": ..., "inputs": [...], setting: value, ...}}}`, the
        same for every build of the same network. What a call is given beside tensors is its `"arguments"`, and a
        digest of somebody's own code in a layer its `"code"`. Weights are no part of it.
    """
    inputs: dict[str, list[str]] = {}
    for call in calls(model):
        inputs.setdefault(call.name, []).extend(name for name, _ in call.sources)
    layers = {
        entry["name"]: {"class": entry["class_name"], "inputs": inputs[entry["name"]]}
        | _arguments(entry["inbound_nodes"])
        | _settings(entry["config"])
        for entry in model.get_config()["layers"]
    }
    for layer in model.operations:
        if digest := code_digest(layer):
            layers[layer.name]["code"] = digest
    layers = json.loads(json.dumps(layers, default=str))
    return {"digest": hashlib.sha256(json.dumps(layers, sort_keys=True).encode()).hexdigest(), "layers": layers}


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two descriptions of `describe`: a phrase for each layer or setting; empty when nothing."""
    return list(_differences(before["layers"], now["layers"]))


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in [*before, *(name for name in now if name not in before)]:
        if name not in now:
            yield f"the layer {name!r} ({before[name]['class']}) is gone"
        elif name not in before:
            yield f"the layer {name!r} ({now[name]['class']}) is new"
        else:
            was, is_now = before[name], now[name]
            for field in sorted({*was, *is_now}):
                if was.get(field) != is_now.get(field):
                    yield f"{field} of the layer {name!r} was {was.get(field)!r} and is {is_now.get(field)!r}"


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """A layer's configuration; nothing for what is not set, and each object in it in one line."""
    return {
        key: _in_short(value) for key, value in config.items() if key not in _OF_THE_RUN and value not in (None, [], {})
    }


def _arguments(nodes: Any) -> dict[str, list[str]]:
    """What the calls of a layer are given, such as `"_, 255.0"` for x / 255; nothing where all are tensors."""
    given = []
    for node in nodes:
        named = [f"{key}={_given(value)}" for key, value in node["kwargs"].items() if value is not None]
        given.append(", ".join([*map(_given, node["args"]), *named]))
    return {} if set("".join(given)) <= set("_[], ") else {"arguments": given}


def _given(value: Any) -> str:
    if isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__":
        return "_"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_given, value))}]"
    told = f"{_in_short(value)}"
    return (
        told if len(told) < 100 else f"sha256 {hashlib.sha256(told.encode()).hexdigest()[:12]}"
    )  # A table of numbers.


def _in_short(value: Any) -> Any:
    if isinstance(value, Mapping) and "class_name" in value:
        inner = value.get("config") or {}
        if not isinstance(inner, Mapping):
            return f"{value['class_name']}({inner})"
        return f"{value['class_name']}({', '.join(f'{key}={item!r}' for key, item in _settings(inner).items())})"
    return value
