"""A request, its command line, and what it is told to run next."""

from recipes.execution.request import Request


def test_request_of_the_other_variant_keeps_the_data():
    request = Request(
        "fashion_cnn", data="/photos/my cats", data_dir="/data", overrides=(("batch_size", "8"),), smoke=True,
        require_accuracy=0.5, export="onnx", seed=7,
    )  # fmt: skip
    command = request.other_variant().command()
    assert command == (
        "python -m recipes.run fashion_cnn --variant published --data '/photos/my cats' --data-dir /data --seed 7 "
        "--set batch_size=8"
    )


def test_request_names_no_variant_that_a_recipe_lacks(tmp_path, monkeypatch):
    (tmp_path / "recipes_without_variants.py").write_text(
        "from recipes import Phase, Recipe\n"
        "MINE = Recipe(name='mine', architecture='mnist_functional', data='mnist', phases=(Phase('a', epochs=1),))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert Request("recipes_without_variants:MINE").other_variant() is None
    # The published recipe has no phase of that name.
    assert Request("vgg16_finetune", overrides=(("phases.head.epochs", "3"),)).other_variant() is not None
    assert Request("vgg16_finetune", overrides=(("phases.nothing.epochs", "3"),)).other_variant() is None
