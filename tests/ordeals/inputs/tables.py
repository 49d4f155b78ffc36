"""More kinds of files: tables, settings of a command line, and what earlier runs left."""

import json
from pathlib import Path

from run_files import manifest_of, write_manifest

from ordeals.inputs.changes import CSV_ODD, bytes_changed, csv_changed, value_changed
from recipes import book
from recipes.data.photos import decisions
from recipes.data.photos.listing import list_photos
from recipes.files import earlier_run
from recipes.inference import journal as journals
from recipes.recipe.overrides import parse_assignment
from recipes.study import comparison, results_files
from recipes.study.sorting import folders, journal
from recipes.study.sorting import table as names

NAMES = ("fashion_cnn", "vgg16_finetune", "own_photos")
SETTINGS = """batch_size=32 phases.train.learning_rate=1e-3 phases.train.epochs=3 model.dropout=0.4 augment.flip=true
split.validation=0.2 data=mnist weights=imagenet audition=vgg16@224,xception@288 phases=head,finetune square=crop
phases.head.train=head_*,block5_* views=4 engine=keras image_size=64 label_smoothing=0.1 class_weights=balanced
phases.block5.schedule=cosine model={"hidden":[1]} phases.head.patience=3""".split()


class Tables:
    """Sound files of each of these kinds, and what reads them."""

    def __init__(self, folder):
        self.folder = folder
        self.run = write_manifest(folder / "run", data=manifest_of()["data"] | {"kind": "photos"})
        photos = [f"a/{number}.jpg" for number in range(6)]
        self.photos = {name: folder / "album" / name for name in photos}
        for path in self.photos.values():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"a photo")
        self.division = {
            "photos": [{"name": name, "label": "a", "split": "test", "sha256": "0" * 64} for name in photos],
            "format": 1,
        }  # fmt: skip
        self.tables = {
            "predictions.csv": "id,truth,prediction\n" + "".join(f"{name},a,b\n" for name in photos),
            "decisions.csv": "path,decision,label\na/0.jpg,move,b\na/1.jpg,keep,\n",
            "names.csv": "path,label,how\n" + "".join(f"{name},a,named\n" for name in photos),
            "sorted.csv": "path,label,step\na/0.jpg,a,1\na/1.jpg,b,2\na/1.jpg,,undo 2\n",
            "sorted_files.csv": "path,file\na/0.jpg,a/0.jpg\na/1.jpg,b/1.jpg\n",
        }
        real = Path(__file__).parents[3] / "results" / "fashion_cnn-fashion_mnist-tuned.json"
        self.result = json.loads(real.read_text(encoding="utf-8"))
        self.journal = [json.dumps({"network": "n"}), json.dumps(["a/0.jpg", 7, 7, "no photo"])]

    def parquet(self, draw):
        """A Parquet table with changed bytes or odd columns."""
        import pandas

        path = self.folder / "table.parquet"
        rows = {"path": list(self.photos), "label": list("aabbab"), "split": ["train"] * 6}
        odd = draw.random() < 0.5
        if odd:
            kinds = [[1, 2, 3, 4, 5, 6], [None] * 6, [b"\xff"] * 6, [["x"]] * 6, [1.5] * 6, [{"a": 1}] * 6, [True] * 6]
            rows[draw.choice([*rows, "group", "more"])] = draw.choice(kinds)
        pandas.DataFrame(rows).to_parquet(path)
        if not odd:
            path.write_bytes(bytes_changed(path.read_bytes(), draw))
        list_photos(path)
        return "read"

    def table(self, name, read, draw):
        """A CSV file with changed cells or bytes."""
        path = self.folder / name
        path.write_bytes(csv_changed(self.tables[name], draw))
        read(path)
        return "read"

    def earlier(self, draw):
        """A finished run with a changed division or table of predictions."""
        division, table = self.division, self.tables["predictions.csv"].encode()
        if draw.random() < 0.5:
            division = value_changed(division, draw)
        else:
            table = csv_changed(self.tables["predictions.csv"], draw)
        (self.run / "division.json").write_text(json.dumps(division))
        (self.run / "predictions.csv").write_bytes(table)
        comparison.read(self.run)
        earlier_run.read(self.run)
        return "read"

    def setting(self, draw):
        """A value for `--set` with changed letters."""
        text = draw.choice(SETTINGS)
        if draw.random() < 0.5:
            text = bytes_changed(text.encode(), draw).decode(errors="replace")
        else:
            text = f"{text.partition('=')[0]}={draw.choice(CSV_ODD)}"
        recipe = book.get(draw.choice(NAMES))
        recipe.override(*parse_assignment(text)).as_dict()
        return "read"

    def results(self, draw):
        """A result file with a changed value, and the page made of it."""
        into = self.folder / "results"
        into.mkdir(exist_ok=True)
        page = self.folder / "page.md"
        page.write_text("<!-- results -->\n<!-- /results -->\n")
        content = json.dumps(value_changed(self.result, draw)).encode()
        (into / "a.json").write_bytes(bytes_changed(content, draw) if draw.random() < 0.3 else content)
        results_files.show(into, results_files.Pages(readme=page))
        return "read"

    def answers(self, draw):
        """What was said of photos before, with changed lines."""
        path = self.folder / "answers.jsonl"
        line = json.dumps(value_changed(json.loads(self.journal[1]), draw)).encode()
        path.write_bytes(b"\n".join([self.journal[0].encode(), bytes_changed(line, draw), b""]))
        with journals.Journal(path, "n") as kept:
            kept.said("a/0.jpg", self.photos["a/0.jpg"])
        return "read"

    def readers(self):
        """By kind of input, what changes one and reads it."""
        album, root = list(self.photos), self.folder / "album"
        tables = {
            "decisions.csv": decisions.read,
            "names.csv": lambda path: names.read(path, root, album, ("a", "b")),
            "sorted.csv": journal.Journal,
            "sorted_files.csv": lambda path: folders._Made(path.parent, self.photos),
        }
        return {
            "Parquet table": self.parquet,
            "earlier run": self.earlier,
            "--set": self.setting,
            "result file": self.results,
            "answers before": self.answers,
        } | {name: lambda draw, name=name, read=read: self.table(name, read, draw) for name, read in tables.items()}
