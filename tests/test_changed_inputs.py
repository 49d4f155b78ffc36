"""Files that were changed by hand or by accident, as the torture command found them: each is refused in words."""

import json

import pandas
import pytest
from run_files import manifest_of, write_manifest

from recipes import book
from recipes.data.photos.listing import list_photos
from recipes.errors import CorruptFault, DataFault
from recipes.evaluate import further
from recipes.execution import artifacts
from recipes.files import atomic, earlier_run, typed
from recipes.inference.bundle import check
from recipes.inference.journal import Journal
from recipes.study import comparison, results_files
from recipes.study.searches import trial, tuning
from recipes.study.sorting import folders, journal, table
from recipes.train.heads import audition

LONG = "x" * 200_000


def test_a_result_file_that_lacks_a_figure_is_named(tmp_path):
    (tmp_path / "mine.json").write_text('{"recipe": "mine"}')
    (tmp_path / "other.json").write_text("3")
    page = tmp_path / "page.md"
    page.write_text("<!-- results -->\n<!-- /results -->\n")
    with pytest.raises(CorruptFault, match=r"mine.json is damaged: KeyError: 'standard_deviation'"):
        results_files.show(tmp_path, results_files.Pages(readme=page))
    assert page.read_text() == "<!-- results -->\n<!-- /results -->\n"


def test_a_table_of_predictions_with_an_endless_cell_is_refused(tmp_path):
    run = write_manifest(tmp_path / "run", data=manifest_of()["data"] | {"kind": "photos"})
    (run / "division.json").write_text(json.dumps({"photos": [], "format": 1}))
    (run / "predictions.csv").write_text(f"id,truth,prediction\n{LONG},a,a\n")
    for read in (comparison.read, earlier_run.read):
        with pytest.raises(CorruptFault, match="field larger than field limit"):
            read(run)


def test_tables_of_a_sorted_album_that_cannot_be_read_are_refused(tmp_path):
    file = tmp_path / journal.FILE
    for row, reason in (
        (f"{LONG},a,1", "cannot be read: field larger"),
        (f"a.jpg,a,{'9' * 5000}", "row 2 is not path, label and step"),
        ("a.jpg,a,x", "row 2 is not path, label and step"),
    ):
        file.write_text(f"path,label,step\n{row}\n")
        with pytest.raises(DataFault, match=reason):
            journal.Journal(file)
    for content in (f"path,file\n{LONG},a\n".encode(), b"path,file\n\xff,a\n"):
        (tmp_path / folders.FILE).write_bytes(content)
        with pytest.raises(DataFault, match=r"sorted_files.csv cannot be read: .* Move it away"):
            folders.put(tmp_path, {}, {})


@pytest.mark.parametrize(
    ("kind", "noted", "reason"),
    [
        (trial.Trial, {"number": 0, "values": {}, "epochs": 1, "val_accuracy": "x", "val_loss": 1.0}, "val_accuracy: "),
        (trial.Trial, {"number": 0, "values": {}, "epochs": 1, "val_accuracy": 0.5}, "belong together"),
        (trial.Retraining, {"seed": 1, "seconds": 1.0}, "either figures or a reason"),
        (trial.Retraining, {"seed": 1, "seconds": 1.0, "val_accuracy": 0.5, "val_loss": None}, "belong together"),
    ],
)
def test_what_a_search_noted_of_a_training_and_cannot_be_is_no_figure(tmp_path, kind, noted, reason):
    atomic.write_json(tmp_path / "note.json", noted)
    with pytest.raises(CorruptFault, match=reason):
        typed.read(tmp_path / "note.json", kind)


def test_a_search_whose_note_of_itself_was_changed_is_refused(tmp_path):
    (tmp_path / "run.json").write_text('{"recipe": 3}')
    with pytest.raises(CorruptFault, match=r"run.json is damaged: .* Search anew with --overwrite"):
        tuning._begin(tmp_path, {"recipe": {}, "network": {}})


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (audition.read, '{"heard": [], "chosen": 0, "joined": "", "missing": {}, "folds": 5}'),
        (further.read, '{"phase": "finetune", "backbone": "small", "size": 32, "images": -4}'),
    ],
)
def test_what_was_heard_and_cannot_be_is_left_out_of_the_report(tmp_path, caplog, read, told):
    (tmp_path / "decided.json").write_text(told)
    assert artifacts._decided(tmp_path / "decided.json", read) is None
    assert "decided.json is missing or damaged" in caplog.text
    assert "The report goes without what folds decided" in caplog.text


def test_a_path_that_no_system_takes_is_no_photo_of_the_album(tmp_path):
    for name in ("a\0b.jpg", "a" * 5000 + ".jpg"):
        file = tmp_path / "names.parquet"  # In a CSV file a zero is no text.
        pandas.DataFrame({"path": [name], "label": ["cat"]}).to_parquet(file)
        assert table.read(file, tmp_path, ["c.jpg"], ("cat", "dog")) == ({}, [name])


def test_settings_of_too_many_digits_or_brackets_are_text():
    for value in ("9" * 5000, "[" * 20_000):
        recipe = book.get("vgg16_finetune").override("model.dropout", value)
        assert recipe.model["dropout"] == value


def test_json_of_too_many_brackets_is_damaged(tmp_path):
    (tmp_path / "a.json").write_text("[" * 100_000)
    with pytest.raises(CorruptFault, match="a.json is missing or damaged"):
        atomic.read_json(tmp_path / "a.json")


def test_odd_lines_among_answers_that_were_kept_are_passed_over(tmp_path):
    file, photo = tmp_path / "answers", tmp_path / "a.jpg"
    photo.write_bytes(b"a photo")
    with Journal(file, "network") as kept:
        kept.note("a.jpg", photo, "no photo")
    with file.open("a") as lines:
        lines.write("7\n[[], 1, 2, 3]\n" + "[" * 50_000 + "\n")
    with Journal(file, "network") as kept:
        assert kept.said("a.jpg", photo) == "no photo"


def test_a_bundle_of_names_that_no_system_takes_is_refused(tmp_path):
    facts = {
        "format": "keras", "class_names": ["a", "b"], "input": {"shape": [8, 8, 3]},
        "golden": [{"file": "golden/00.png", "probabilities": [0.5, 0.5]}],
    }  # fmt: skip
    for name in ("a\0b", "[" * 5000):
        (tmp_path / "bundle.json").write_text(json.dumps(facts | {"files": {name: "0" * 64}}))
        with pytest.raises(CorruptFault, match="leads out of the bundle|is not as it was made"):
            check.verify(tmp_path)


def test_a_parquet_table_with_damaged_notes_of_pandas_is_refused(tmp_path):
    import pyarrow
    from pyarrow import parquet

    rows = pyarrow.table({"path": ["a.jpg"], "label": ["a"]})
    notes = {"index_columns": [{"kind": "range"}], "columns": [], "column_indexes": []}
    parquet.write_table(rows.replace_schema_metadata({"pandas": json.dumps(notes)}), tmp_path / "a.parquet")
    with pytest.raises(DataFault, match="a.parquet cannot be read"):
        list_photos(tmp_path / "a.parquet")
