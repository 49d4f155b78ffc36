"""A map of what a network finds in training photos: those that it finds alike lie near each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from recipes.report.figures import style

FEWEST, MOST_CLASSES, ALIKE = 30, 20, 1e-6
MARKS = ["o", "X", "s", "P", "D", "^", "v"]


def feature_map(features: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> Figure | None:
    """A point for each photo, a colour and mark for each class, along the two directions in which photos differ most.

    Args:
        features: (photos, features), of length 1.
        labels: (photos,), class indices.
        class_names: By index.

    Returns:
        The figure; `None` for few photos, photos that are all found alike, or more classes than colours can tell apart.
    """
    features = features.astype("float64")
    if len(features) < FEWEST or len(class_names) > MOST_CLASSES or not features.std(axis=0).max() > ALIKE:
        return None
    from sklearn.decomposition import PCA

    places = PCA(2, svd_solver="full").fit_transform(features)
    style.apply()
    figure, axes = plt.subplots(figsize=(7.2, 5.4), layout="constrained")
    names = np.array(class_names)[labels]
    marks = {name: MARKS[place % len(MARKS)] for place, name in enumerate(class_names)}
    sns.scatterplot(
        x=places[:, 0], y=places[:, 1], hue=names, style=names, hue_order=class_names, style_order=class_names,
        markers=marks, palette=sns.color_palette("husl" if len(class_names) > 10 else "tab10", len(class_names)),
        s=28, linewidth=0.3, ax=axes,
    )  # fmt: skip
    axes.set(xticks=[], yticks=[], xlabel="", ylabel="")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure
