"""Files of weights in each form in which they are read."""

from types import SimpleNamespace

import numpy as np

from ordeals.inputs.changes import bytes_changed
from recipes.files import model_file

WEIGHTS = ("whole.keras", "whole.weights.h5", "whole.h5", "base.h5", "kept.npz")


class Weights:
    """Sound files of weights in each form, and what reads them. Only for a child: it computes."""

    def __init__(self, folder):
        import h5py
        import keras

        import ordeals.book  # noqa: F401
        import zoo

        self.folder, self.model = folder, zoo.get("flat", input_shape=(8, 8, 1), classes=3)
        self.model.save(folder / "whole.keras")
        self.model.save(folder / "whole.h5")
        self.model.save_weights(folder / "whole.weights.h5")
        image = keras.Input((8, 8, 1))
        below = keras.layers.Conv2D(4, 3, name="conv")
        head = keras.layers.Dense(3, name="head_probabilities")
        self.based = keras.Model(image, head(keras.layers.GlobalAveragePooling2D()(below(image))))
        arrays = below.get_weights()
        with h5py.File(folder / "base.h5", "w") as file:
            group = file.create_group("conv")
            for number, array in enumerate(arrays):
                group[f"w{number}"] = array
            group.attrs["weight_names"] = np.array(["w0", "w1"], "S")
            file.attrs["layer_names"] = np.array(["conv"], "S")
        np.savez(folder / "kept.npz", *arrays)
        self.sound = {name: (folder / name).read_bytes() for name in WEIGHTS}

    def read(self, name, draw):
        """A file of weights with changed bytes, taken for a network, and for all but its head."""
        from zoo import weights

        path = self.folder / f"changed-{name}"
        path.write_bytes(bytes_changed(self.sound[name], draw))
        base = SimpleNamespace(name="base", fetch=None)
        try:
            if name == "kept.npz":
                weights._read(weights.Source("package index", path, ""), self.based.layers)
            elif name == "base.h5":
                weights.load_weights(self.based, path, base)
            else:
                weights.load_weights(self.model, f"{draw.choice(['', 'base:'])}{path}")
                if name != "whole.weights.h5":
                    model_file.read(path)
        except (weights.WeightsCorrupt, weights.WeightsMissing) as error:
            return f"refused: {type(error).__name__}"
        except ValueError as error:
            if type(error).__name__ == "WeightsUnfit":
                return "refused: WeightsUnfit"
            raise
        return "read"

    def readers(self):
        """By kind of input, what changes one and reads it."""
        return {name: lambda draw, name=name: self.read(name, draw) for name in WEIGHTS}
