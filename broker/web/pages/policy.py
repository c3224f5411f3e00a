"""What browsers are told to forbid our pages, in one place (Content Security Policy Level 3)."""

from __future__ import annotations

from flask import Response

_EVERYWHERE = {
    # Where a page was is nobody else's business. `no-referrer` would also have browsers send our
    # own forms with `Origin: null`, which is no page of ours.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def protect(response: Response) -> Response:
    """Give every page the policy, unless it has got its own."""
    if "Content-Security-Policy" not in response.headers:
        response.headers["Content-Security-Policy"] = content_policy()
    for name, value in _EVERYWHERE.items():
        response.headers[name] = value
    return response


def content_policy(*form_targets: str) -> str:
    """Nothing but our own files, and forms that lead to us.

    Browsers hold the redirect that answers a form to `form-action` too, so a page whose form leads
    elsewhere names that origin among `form_targets`.
    """
    forms = " ".join(("'self'", *form_targets))
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            f"form-action {forms}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
