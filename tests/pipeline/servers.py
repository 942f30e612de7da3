"""Real servers on loopback that a DVC remote can be: S3 (moto), WebDAV (WsgiDAV under cheroot), SSH (asyncssh)."""

from __future__ import annotations

import asyncio
import threading
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.pipeline.clones import dvc

USER, PASSWORD = "ann", "lab-secret"


@dataclass
class Server:
    """A running server: what `.dvc/config` says of it, what stays with one clone, and how to end it."""

    url: str
    shared: dict[str, str] = field(default_factory=dict)
    private: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    """What a clone with refused credentials has instead of `private`."""
    stop: Callable[[], None] = lambda: None
    refuse: Callable[[], None] = lambda: None
    """Begin to check credentials, where the server does not by itself."""

    def announce(self, root: Path) -> None:
        """Make it the project's remote, for everybody."""
        dvc(root, "remote", "modify", "store", "url", self.url)
        for name, value in self.shared.items():
            dvc(root, "remote", "modify", "store", name, value)

    def sign_in(self, root: Path, settings: dict[str, str] | None = None) -> None:
        """Give one clone its credentials."""
        for name, value in (self.private if settings is None else settings).items():
            dvc(root, "remote", "modify", "--local", "store", name, value)


@contextmanager
def s3(folder: Path) -> Iterator[Server]:
    """An S3 service in memory, with the bucket `neurosieve`."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        place = f"http://{host}:{port}"
        _ask(f"{place}/neurosieve", "PUT")
        yield Server(
            "s3://neurosieve/store",
            {"endpointurl": place, "region": "us-east-1"},
            {"access_key_id": USER, "secret_access_key": PASSWORD},
            {"access_key_id": USER, "secret_access_key": "wrong"},
            server.stop,
            lambda: _ask(f"{place}/moto-api/reset-auth", "POST", b"0"),
        )
    finally:
        server.stop()


def _ask(url: str, method: str, body: bytes = b"") -> None:
    kind = {"Content-Type": "text/plain"}
    with urllib.request.urlopen(urllib.request.Request(url, body, kind, method=method)) as answer:
        assert answer.status == 200


@contextmanager
def webdav(folder: Path) -> Iterator[Server]:
    """A WebDAV server of a folder, with Basic authentication."""
    from cheroot import wsgi
    from wsgidav.wsgidav_app import WsgiDAVApp

    (folder / "store").mkdir(parents=True)
    app = WsgiDAVApp(
        {
            "provider_mapping": {"/": str(folder)},
            "simple_dc": {"user_mapping": {"*": {USER: {"password": PASSWORD}}}},
            "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
            "logging": {"enable": False},
            "verbose": 0,
        }
    )
    server = wsgi.Server(("127.0.0.1", 0), app)
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()

    def stop() -> None:
        server.stop()
        thread.join()

    try:
        yield Server(
            f"webdav://127.0.0.1:{server.bind_addr[1]}/store",
            {},
            {"user": USER, "password": PASSWORD},
            {"user": USER, "password": "wrong"},
            stop,
        )
    finally:
        stop()


@contextmanager
def ssh(folder: Path) -> Iterator[Server]:
    """An SSH server that gives SFTP in a folder to one key."""
    import asyncssh

    folder.mkdir(parents=True)
    keys = {}
    for name in ("host", "ann", "eve"):
        keys[name] = asyncssh.generate_private_key("ssh-ed25519")
        keys[name].write_private_key(str(folder.parent / name))
    allowed = asyncssh.import_authorized_keys(keys["ann"].export_public_key().decode())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def done(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    async def start() -> Any:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[keys["host"]],
            authorized_client_keys=allowed,
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(folder).encode()),
        )

    listener = done(start())

    async def close() -> None:
        listener.close()
        await listener.wait_closed()

    try:
        yield Server(
            f"ssh://{USER}@127.0.0.1:{listener.get_port()}/store",
            {},
            {"keyfile": str(folder.parent / "ann")},
            {"keyfile": str(folder.parent / "eve")},
            lambda: done(close()),
        )
    finally:
        done(close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


KINDS = {"s3": s3, "webdav": webdav, "ssh": ssh}
