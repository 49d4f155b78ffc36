"""The run on one self-contained page."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def page(facts: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """An HTML page that needs no other file and no network.

    Args:
        facts: The run's manifest and scores, as the template `page.html` names them.
        pictures: PNG bytes by name.
    """
    inline = {name: "data:image/png;base64," + base64.b64encode(content).decode() for name, content in pictures.items()}
    return render("page.html", **facts, pictures=inline)


def render(template: str, **facts: Any) -> str:
    """Fill a template. Whatever stands in the facts is shown as text, never run as HTML."""
    environment = Environment(
        loader=PackageLoader("recipes.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(**facts)
