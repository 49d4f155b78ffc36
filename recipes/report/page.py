"""Templates to pages."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from recipes.evaluate.operating_point import share_in_words


def render(template: str, **facts: Any) -> str:
    """Fill a template. Whatever stands in the facts is shown as text, never run as HTML."""
    environment = Environment(
        loader=PackageLoader("recipes.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "share": lambda value: f"{value:.4f}",
        "percent": lambda value: f"{100 * value:.1f}%",
        "count": lambda value: f"{value:,}",
        "of": lambda found: share_in_words(*found),
        "points": lambda value: f"{100 * value:+.1f}",
    }
    return environment.get_template(template).render(**facts)
