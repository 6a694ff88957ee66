"""A TLS proxy in front of a plain TCP server."""

from __future__ import annotations

import socket
import ssl
from contextlib import ExitStack, contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import trustme

_HOST = "127.0.0.1"


@contextmanager
def tls_proxy(certificate: trustme.LeafCert, port: int) -> Iterator[int]:
    """Forward TLS connections to `port` on this machine; yield the port to connect to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with ExitStack() as opened, socket.create_server((_HOST, 0)) as listener:
        Thread(target=_accept, args=(listener, context, port, opened), daemon=True).start()
        yield listener.getsockname()[1]
        # Closing a socket does not interrupt a blocked accept().
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, context: ssl.SSLContext, port: int, opened: ExitStack) -> None:
    while True:
        try:
            accepted, _ = listener.accept()
        except OSError:
            return
        try:
            client = opened.enter_context(context.wrap_socket(accepted, server_side=True))
        except (ssl.SSLError, OSError):
            accepted.close()
            continue
        server = opened.enter_context(socket.create_connection((_HOST, port)))
        for source, target in ((client, server), (server, client)):
            Thread(target=_forward, args=(source, target), daemon=True).start()


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
