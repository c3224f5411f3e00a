"""The browser of this machine, led to an address while the command goes on.

`webbrowser` waits for most programs that BROWSER may name, and some of them last as long as their
windows. So a process of its own opens the browser, and has nothing of the command's: a browser that
kept standard output open would hold up whoever reads it, and one in the terminal's session would
end with that.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import webbrowser
from concurrent.futures import Future
from pathlib import PurePath

_TEXT_BROWSERS = frozenset({"browsh", "elinks", "links", "links2", "lynx", "w3m", "www-browser"})

_APART = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.stdin.read()))"
"""The address comes on standard input, since arguments can be read by every user."""


def open_in_browser(url: str) -> Future[bool]:
    """Lead the browser to `url`; the future says, once that is known, whether there is one.

    A browser that is shown in the terminal has it until somebody leaves it, and this returns then.
    Where standard input and output are no terminal, it is not started.
    """
    opened: Future[bool] = Future()
    if _is_shown_in_the_terminal():
        opened.set_result(_is_a_terminal() and webbrowser.open(url))
    else:
        threading.Thread(target=lambda: opened.set_result(_opens_apart(url)), daemon=True).start()
    return opened


def _is_shown_in_the_terminal() -> bool:
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    return PurePath(browser.name).name in _TEXT_BROWSERS


def _is_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _opens_apart(url: str) -> bool:
    """Waits for as long as the process that opens the browser lasts."""
    # Isolated, or a file of that name in the current folder would be taken for the module.
    words = [sys.executable, "-I", "-c", _APART]
    try:
        asked = subprocess.run(  # noqa: S603 - words of our own
            words,
            input=url.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            check=False,
        )
    except OSError:
        return False
    return asked.returncode == 0
