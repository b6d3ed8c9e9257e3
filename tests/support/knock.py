"""A program that knocks at a server as somebody who may not be let in, to be run where that is."""

from typing import Final

# knock(host, port, how) tells how a server takes a stranger: "plain" HTTP, TLS with "no"
# certificate, or with the one in a file. A server that refuses does so while it shakes hands or at
# the first thing that is said.
KNOCK: Final = """
import socket, ssl, sys
def knock(host, port, how):
    connection = socket.create_connection((host, port), 10)
    try:
        if how != "plain":
            context = ssl._create_unverified_context()
            if how != "no":
                context.load_cert_chain(how)
            connection = context.wrap_socket(connection)
        connection.settimeout(10)
        connection.sendall(b"GET /hub/api HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n")
        said = connection.recv(9).decode("latin-1")
        return "served" if said.startswith("HTTP/1.") else "refused"
    except (ssl.SSLError, ConnectionError):
        return "refused"
    finally:
        connection.close()
"""
