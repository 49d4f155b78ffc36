"""What a run learned, as pictures and pages: pure functions from tables to figures and text."""

from recipes.report.doctor import doctor_page
from recipes.report.figures.confusion import confusion_figure
from recipes.report.figures.curves import curves_figure
from recipes.report.page import render

__all__ = ["confusion_figure", "curves_figure", "doctor_page", "render"]
