"""What a run learned, as pictures and pages: pure functions from tables to figures and text."""

from recipes.report.confusion import confusion_figure
from recipes.report.curves import curves_figure
from recipes.report.doctor import doctor_page
from recipes.report.page import render

__all__ = ["confusion_figure", "curves_figure", "doctor_page", "render"]
