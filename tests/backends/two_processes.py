"""Run by a test in one process or in each of two, on JAX: twenty steps above the boundary, on shared batches."""

from __future__ import annotations

import json
import sys

from same_steps import IMAGES, STEPS, keras, layers, network, np, optimizer_for

from recipes.recipe import Phase


def main(process: int, processes: int, address: str) -> None:
    """Print the weights that train above `conv1`; each process sees its part of every batch."""
    if processes > 1:
        keras.distribution.initialize(address, processes, process)
    draw = np.random.default_rng(1)
    images = draw.integers(0, 256, (STEPS, IMAGES, 12, 12, 3)).astype("float32")
    targets = np.eye(3, dtype="float32")[draw.integers(0, 3, (STEPS, IMAGES))]
    part = slice(process * IMAGES // processes, (process + 1) * IMAGES // processes)
    images, targets = (array[:, part].reshape(-1, *array.shape[2:]) for array in (images, targets))
    kept = keras.ops.convert_to_numpy(layers.split_at(network(), "conv1")[0](images))
    if processes > 1:
        keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    model = network()
    layers.thaw(model, ("conv2", "head_*"))
    suffix = layers.split_at(model, "conv1")[1]
    phase = Phase(name="all", train=("conv2", "head_*"), epochs=1, learning_rate=1e-3, optimizer="adam")
    suffix.compile(optimizer_for(phase, STEPS, model), "categorical_crossentropy")
    suffix.fit(kept, targets, batch_size=IMAGES // processes, shuffle=False, verbose=0)
    weights = [np.asarray(weight).ravel().tolist() for weight in suffix.get_weights()]
    print(json.dumps({"devices": len(keras.distribution.list_devices()), "weights": weights}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
