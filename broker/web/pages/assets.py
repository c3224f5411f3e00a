"""The site's own files: style, script and icon, under addresses that name their content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from flask import Blueprint, Flask, Response, g
from werkzeug.exceptions import NotFound

_MEDIA_TYPES = {
    "site.css": "text/css; charset=utf-8",
    "site.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    media_type: str
    digest: str


def _read() -> Mapping[str, _Asset]:
    folder = files("broker.web") / "static"
    read = {name: (folder / name).read_bytes() for name in _MEDIA_TYPES}
    return {
        name: _Asset(content, _MEDIA_TYPES[name], hashlib.sha256(content).hexdigest()[:16])
        for name, content in read.items()
    }


def register(app: Flask) -> None:
    """Serve the files, and let templates ask for the address of one: `asset("site.css")`."""
    assets = _read()
    static = Blueprint("static", __name__)

    @static.get("/static/<digest>/<name>")
    def serve(digest: str, name: str) -> Response:
        """A file, which browsers may keep: another content has another address."""
        asset = assets.get(name)
        if asset is None or asset.digest != digest:
            raise NotFound
        g.cache_control = _FOREVER
        return Response(asset.content, content_type=asset.media_type)

    def address(name: str) -> str:
        return f"/static/{assets[name].digest}/{name}"

    app.register_blueprint(static)
    app.jinja_env.globals["asset"] = address
