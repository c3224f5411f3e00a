"""JSON logs, one line an event, with the request's id, and with secrets taken out.

The standard library's loggers (gunicorn, botocore, Werkzeug) go through the same processors.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping

import structlog

_SECRET_NAMES = re.compile(
    r"(?i)(secret|secret_?access_?key|password|passphrase|authorization|cookie|credentials?|"
    r"session_?token|identity_?token|api_?token)$"
)
_SECRET_FORMS = re.compile(
    r"brk_[0-9a-f]{12}_[0-9a-f]+"  # our API tokens
    r"|eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*"  # JSON Web Tokens
    r"|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)"  # user and password in a URL, or the password alone
    r"|(?i:(?<=secretaccesskey)|(?<=secret_access_key)|(?<=sessiontoken)|(?<=session_token))"
    r"['\"]?\s*[:=>]\s*['\"]?[\w+/=]+"  # AWS credentials, in whatever notation
)
REDACTED = "[redacted]"

Processed = MutableMapping[str, object]


def redact(logger: object, method: str, event: Processed) -> Processed:  # noqa: ARG001
    """A structlog processor: no value under a secret's name, nothing that looks like one."""
    for name, value in event.items():
        event[name] = REDACTED if _SECRET_NAMES.search(name) else _cleaned(value)
    return event


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return _SECRET_FORMS.sub(REDACTED, value)
    if isinstance(value, Mapping):
        return {
            name: REDACTED if _SECRET_NAMES.search(str(name)) else _cleaned(member)
            for name, member in value.items()
        }
    if isinstance(value, list | tuple):
        return [_cleaned(member) for member in value]
    return value


def configure(level: str) -> None:
    """Send everything from `level` up to standard error as JSON lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        # A cached logger would keep to the processors of its first use, whatever is configured
        # after it, and nothing that captures logs would see it. Not to cache takes microseconds.
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # botocore logs requests with their bodies at DEBUG, credentials included: never that.
    for name in ("boto3", "botocore", "urllib3"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
