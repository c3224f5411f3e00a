"""What gunicorn serves: the issuers' fast path in front of the Flask application."""

from __future__ import annotations

import atexit

from broker import logs, settings
from broker.web.application import create_app
from broker.web.metrics import Metrics
from broker.wiring import build

_settings = settings.load()
logs.configure(_settings.log_level)
_metrics = Metrics()
_services = build(_settings, _metrics)
atexit.register(_services.close)

app = create_app(_services, _metrics)
app.start()
