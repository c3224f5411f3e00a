"""Who is at the other end of a connection on this machine, where the system says so.

What a browser is started with can be read by every user of the machine (`ps`): a secret in it is
known to all of them. So a server here that a browser is led to looks at whose connection it is.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = "01"
_ROOT = 0


def is_ours(client: tuple[str, int], server: tuple[str, int]) -> bool:
    """Whether the other end of a connection is this user's, or root's.

    Only Linux shows what programs are started with and says whose connections are; elsewhere
    browsers are told by other ways than their arguments, and everybody is believed.
    """
    if not _TABLES[0].exists():
        return True
    owners = {owner for table in _TABLES for owner in _owners(table, local=client, remote=server)}
    return bool(owners) and owners <= {os.getuid(), _ROOT}


def _owners(table: Path, *, local: tuple[str, int], remote: tuple[str, int]) -> Iterator[int]:
    """Whose the connections between the two are (proc(5), /proc/net/tcp)."""
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return
    ends = {(_written(local, prefix), _written(remote, prefix)) for prefix in ("", _MAPPED)}
    for line in lines:
        _, here, there, state, _, _, _, uid, *_ = line.split()
        if (here, there) in ends and state == _ESTABLISHED:
            yield int(uid)


def _written(end: tuple[str, int], prefix: str) -> str:
    """An end as the kernel writes it: numbers of the machine's own byte order, in hexadecimal."""
    host, port = end
    return f"{prefix}{_word(socket.inet_aton(host))}:{port:04X}"


def _word(four: bytes) -> str:
    return f"{int.from_bytes(four, sys.byteorder):08X}"


_MAPPED = 2 * _word(bytes(4)) + _word(b"\x00\x00\xff\xff")
"""What stands before an IPv4 address among IPv6 ones (RFC 4291, section 2.5.5.2)."""
