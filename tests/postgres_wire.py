"""A wire between a store and its PostgreSQL server that a test cuts when it likes, and a server that only refuses."""

import contextlib
import select
import socket
import struct
import threading

import psycopg
from psycopg.conninfo import make_conninfo

PLAIN = {"sslmode": "disable", "gssencmode": "disable"}


def found(dsn):
    """What is at the other end of an address, once connected: a socket address."""
    with psycopg.connect(dsn) as asked:
        host, port = asked.info.host, asked.info.port
    return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)


class Wire:
    """Passes on what a store and the server say to each other; `cut` says when it breaks.

    "before commit": the server never hears the COMMIT; "after commit": it has done it, but its answer is lost.
    After that no new connection is made until `mend`, if `for_good`.
    """

    def __init__(self, dsn):
        self._server = found(dsn)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.dsn = make_conninfo(dsn, host="127.0.0.1", port=self._door.getsockname()[1], **PLAIN)
        self._moment, self._for_good, self.down = "", False, False
        self._open, self._threads = [], []
        self._start(self._answer)

    def cut(self, moment, *, for_good=False):
        self._moment, self._for_good = moment, for_good

    def mend(self):
        self._moment, self.down = "", False

    def break_all(self):
        """Cut every connection that is open now."""
        for end in self._open:
            self._hang_up(end)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._hang_up(self._door)
        self.break_all()
        for thread in self._threads:
            thread.join(5)

    def _start(self, work, *values):
        self._threads.append(threading.Thread(target=work, args=values, daemon=True))
        self._threads[-1].start()

    def _answer(self):
        with contextlib.suppress(OSError):
            while True:
                store, _ = self._door.accept()
                if self.down:
                    store.close()
                    continue
                family = socket.AF_UNIX if isinstance(self._server, str) else socket.AF_INET
                server = socket.socket(family)
                server.connect(self._server)
                self._open += [store, server]
                self._start(self._pass_on, store, server)

    def _pass_on(self, store, server):
        with contextlib.suppress(OSError, ValueError), store, server:  # ValueError: it was cut meanwhile
            while True:
                for end in select.select([store, server], [], [])[0]:
                    if not (said := end.recv(65536)):
                        return
                    if end is store and b"COMMIT\0" in said and self._moment:
                        if self._moment == "after commit":
                            server.sendall(said)
                            while b"COMMIT\0" not in said or b"Z\0\0\0\5I" not in said:
                                said = server.recv(65536)
                        self.down = self._for_good
                        self._moment = ""
                        return
                    (server if end is store else store).sendall(said)

    @staticmethod
    def _hang_up(end):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


class Doorkeeper:
    """A server that turns every caller away with one error; it asks for a password first, and remembers none."""

    def __init__(self, code, message):
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        fields = b"".join(
            kind + text.encode() + b"\0" for kind, text in ((b"S", "FATAL"), (b"C", code), (b"M", message))
        )
        self._refusal = b"E" + struct.pack("!I", len(fields) + 5) + fields + b"\0"
        self._thread = threading.Thread(target=self._turn_away, daemon=True)
        self._thread.start()

    def _turn_away(self):
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._door.accept()
                with caller, contextlib.suppress(ConnectionError):
                    caller.recv(4096)
                    caller.sendall(b"R" + struct.pack("!II", 8, 3))  # a password, please
                    caller.recv(4096)
                    caller.sendall(self._refusal)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        Wire._hang_up(self._door)
        self._thread.join(5)
