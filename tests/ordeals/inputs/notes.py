"""What a stopped run or search left for itself: how a trial ended, what was searched and heard, what a cache holds."""

import json
from types import SimpleNamespace

import numpy as np

from ordeals.inputs.changes import bytes_changed, value_changed


class Notes:
    """Sound notes of each kind, and what reads them. Only for a child: what reads them brings Keras."""

    def __init__(self, folder):
        from recipes import book
        from recipes.freeze import known_rows
        from recipes.study.searches import search, trial

        self.folder, recipe = folder, book.get("fashion_cnn")
        network = {"digest": "0", "layers": {"dense": {"class": "Dense", "inputs": ["x"], "units": 3}}}
        self.asked = {"recipe": recipe.as_dict(), "space": {}, "seed": 1, "network": network}
        values = {"phases.train.learning_rate": 0.001}
        figures = {"val_accuracy": 0.5, "val_loss": 0.7, "seconds": 1.5}
        self.trial = trial.Trial(0, values, 3)
        self.notes = {
            "trials/0000.json": {"number": 0, "values": values, "epochs": 3, "goes_on": None, "reason": ""} | figures,
            "retrained/page-seed1.json": {"seed": 1} | figures,
            "run.json": self.asked,
            "audition.json": {
                "heard": [dict.fromkeys(("images", "right", "stages", "size"), 4)
                          | {"backbone": "a", "optimizer": "lda", "weight_decay": 0.0, "temperature": 1.0}
                          | {"loss": 0.5, "seconds": 1.0, "accuracy": 1.0, "interval": [0.5, 1.0]}],
                "chosen": 0, "joined": "", "missing": {"b": "nowhere"}, "folds": 5, "seconds": 1.0, "by_photo": None,
            },
            "further.json": dict.fromkeys(("images", "right_before", "right_after", "size"), 4)
            | {"phase": "finetune", "backbone": "a", "p_value": 0.5, "balanced_before": 0.5, "balanced_after": 0.6}
            | {"losses_before": [0.5], "losses_after": [0.4], "temperature": 1.2, "minutes": 3.0, "helps": False},
        }  # fmt: skip
        self.search = search.Search(recipe, None, folder / "search")
        self.rows = [self._rows(images) for images in ("all", "more")]
        known_rows.keep(self.rows[0], [bytes([place] * known_rows.DIGEST) for place in range(6)])
        self.facts = json.loads((self.rows[0].folder / "facts.json").read_text())

    def _rows(self, images):
        from recipes.files.sharded_array import Rows

        rows = Rows(self.folder / "cache", {"network": "n", "images": images}, 6, (2,), "float32")
        if images == "all":
            rows.fill(lambda first, last: np.zeros((last - first, 2), "float32"))
        return rows

    def changed(self, name, read, draw):
        """A note with changed bytes, or one changed value."""
        path = self.folder / "search" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_changed(self.notes[name], draw))
        read(path)
        return "read"

    def cached(self, draw):
        """Rows of a cache whose facts or note of their images are changed, looked through for those of another set."""
        from recipes.freeze import known_rows

        (self.rows[0].folder / "facts.json").write_bytes(_changed(self.facts, draw))
        note = self.rows[0].folder / known_rows.INPUTS
        sound = note.read_bytes()
        if draw.random() < 0.5:
            note.write_bytes(bytes_changed(sound, draw))
        known_rows.find(self.rows[1], [bytes([place] * known_rows.DIGEST) for place in range(8)])
        note.write_bytes(sound)
        return "read"

    def readers(self):
        """By kind of input, what changes one and reads it."""
        from recipes.evaluate import further
        from recipes.study.searches import tuning
        from recipes.train.heads import audition

        searched = self.search
        searched.trainer = SimpleNamespace(train=lambda *_, **__: {"val_accuracy": 0.5, "val_loss": 0.7})
        searched.build = lambda *_: None

        def asked(path):
            tuning._begin(path.parent, json.loads(json.dumps(self.asked)))

        readers = {
            "trials/0000.json": lambda path: searched.remembered(self.trial),
            "retrained/page-seed1.json": lambda path: tuning.verdict(
                [searched.retrain(None, 1)], [searched.retrain(None, 1)], "val_loss"
            ),
            "run.json": asked,
            "audition.json": audition.read,
            "further.json": further.read,
        }
        return {
            f"search's {name}": lambda draw, name=name, read=read: self.changed(name, read, draw)
            for name, read in readers.items()
        } | {"cache": self.cached}


def _changed(value, draw):
    content = json.dumps(value, ensure_ascii=False).encode()
    if draw.random() < 0.3:
        return bytes_changed(content, draw)
    return json.dumps(value_changed(value, draw), ensure_ascii=False).encode()
