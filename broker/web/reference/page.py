"""Serving `/docs`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from flask import Flask, Response, render_template

from broker.web.pages.policy import protect
from broker.web.reference.tree import read

PATH = "/docs"


def register(app: Flask, document: Mapping[str, Any]) -> None:
    """Show `document` at `/docs`. It is public and the same for everybody, so it knows no viewer,
    and is rendered once: when it is first asked for."""

    @cache
    def html() -> str:
        return render_template("docs.html", viewer=None, notice=None, reference=read(document))

    @app.get(PATH)
    def read_api() -> Response:
        """The page."""
        return protect(Response(html(), content_type="text/html; charset=utf-8"))
