"""A model card in the form that Hugging Face reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from recipes.evaluate.operating_point import share_in_words
from recipes.inference.bundle.formats import RUNTIMES

if TYPE_CHECKING:
    from recipes.files.manifest import Manifest


def card(manifest: Manifest, facts: Mapping[str, Any]) -> str:
    """The card as Markdown with its metadata in front.

    Args:
        manifest: The run's.
        facts: The bundle's.
    """
    from huggingface_hub import EvalResult, ModelCard, ModelCardData

    result, data = manifest.result, manifest.data
    name = f"{manifest.recipe}-{data.dataset}"
    metadata = ModelCardData(
        model_name=name,
        library_name=RUNTIMES[facts["format"]].library,
        pipeline_tag="image-classification",
        tags=["image-classification", manifest.model.architecture],
        eval_results=[
            EvalResult(
                task_type="image-classification",
                dataset_type=data.dataset,
                dataset_name=data.dataset,
                dataset_split="test",
                metric_type="accuracy",
                metric_value=round(result.test_accuracy, 6),
            )
        ],
    )
    return str(ModelCard(f"---\n{metadata.to_yaml()}\n---\n{_body(name, manifest, facts)}"))


def _body(name: str, manifest: Manifest, facts: Mapping[str, Any]) -> str:
    model, data, result, versions = manifest.model, manifest.data, manifest.result, manifest.versions
    counts = ", ".join(f"{data.images(split):,} {split}" for split in data.counts)
    entrance = facts["input"]
    classes = "\n".join(f"{index}. {_plain(label)}" for index, label in enumerate(facts["class_names"]))
    again = f". {manifest.not_repeated}" if manifest.not_repeated else ""
    notice = f"\n> {data.notice}\n" if data.notice else ""
    return f"""
# {_plain(name)}

{model.use}. Trained by the recipe `{manifest.recipe}` ({manifest.variant}) of the Keras zoo and recipe book.
{notice}
## Use

`{facts["model"]}` takes a batch of images, {" x ".join(map(str, entrance["shape"]))} ({entrance["channels"]}), float32,
raw 0-255 pixels, and gives {facts["output"]}.
To prepare a photo: {entrance["before"]}. A JPEG is decoded {entrance["decode"]["jpeg"]}.
Its square is `{entrance["square"]}`: {entrance["resize"]}.
`bundle.json` says the same for programs, and docs/en/elsewhere.md of the recipe book is one; `python -m recipes.verify`
checks this folder with the images in `golden/`: arrays as the network takes them{_files(facts)}.
{_own(facts)}
## Classes

{classes}

## Training and evaluation

- data: {_plain(data.dataset)} ({data.kind}): {counts}
- test accuracy: {result.test_accuracy:.4f}, scored once; validation accuracy {result.validation_accuracy:.4f}
{_point(facts)}- network: {model.parameters:,} parameters, {model.macs:,} multiply-accumulates an image
- version {manifest.version}: {_plain(manifest.why)}
- command: `{manifest.command}`{again}
- Keras {versions["keras"]}, TensorFlow {versions["tensorflow"]}

## Limits

It knows the classes above and no other: a photo of something else gets one of them, often with a high probability.
{_refuses(facts)}The test images are like the training images; photos from elsewhere may do worse.
"""


def _files(facts: Mapping[str, Any]) -> str:
    return ", and files as they came, which it does without when they are deleted" if facts["originals"] else ""


def _refuses(facts: Mapping[str, Any]) -> str:
    """How a photo of something else can be told; nothing where the run does not."""
    if not (told := facts["none_of_these"]):
        return ""
    found = told["measured"]
    return (
        f"`none_of_these` in `bundle.json` says how to refuse what is unlike the training photos: at a rate of "
        f"{found['rate']:.1%} false alarms {found['test'][0]} of {found['test'][1]} test images are refused.\n"
    )


def _point(facts: Mapping[str, Any]) -> str:
    """The operating point, and what it is worth; nothing where the most probable class is the answer."""
    if not (point := facts["operating_point"]):
        return ""
    found = ", ".join(
        f"{name.replace('_', ' ')} {share_in_words(*point[name])}" for name in ("recall", "precision", "false_alarms")
    )
    return (
        f"- operating point: {_plain(point['class_name'])} is the answer from a probability of "
        f"{point['threshold']:.4g} on, for a {point['figure']} of {point['wanted']:g}; on test images {found}\n"
    )


def _own(facts: Mapping[str, Any]) -> str:
    """What to import before the model can be loaded; nothing for Keras's own layers."""
    if not facts["own_layers"]:
        return ""
    names = ", ".join(f"`{name}`" for name in facts["own_layers"])
    modules = " and ".join(f"`import {name}`" for name in facts["modules"]) or "import the module that defines them"
    return f"The model holds layers of its own ({names}): {modules} before it is loaded.\n"


def _plain(text: str) -> str:
    """A name that cannot act as HTML or Markdown."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>#|&" else sign for sign in text)
