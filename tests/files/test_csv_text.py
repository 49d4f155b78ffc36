"""Cells that a spreadsheet takes as they were meant."""

import pytest

from recipes.files.csv_text import csv_text


@pytest.mark.parametrize("number", ["-1", "+3", "-0.5", "-1e-4", "-2,5"])
def test_a_number_with_a_sign_stays_as_it_is(number):
    assert csv_text(["label"], [[number]]).splitlines()[1].strip('"') == number


@pytest.mark.parametrize("text", ["=cmd()", "-1+cmd()", "+x", "@sum", "-"])
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text):
    assert csv_text(["label"], [[text]]).splitlines()[1] == f"'{text}"
