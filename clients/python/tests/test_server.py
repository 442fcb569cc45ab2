"""Over HTTP: the server's own errors, lost and busy servers, damaged bytes, tokens that go nowhere else."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support import Published

import driftline


def failure(call: Callable[[], object]) -> driftline.DriftlineError:
    with pytest.raises(driftline.DriftlineError) as caught:
        call()
    return caught.value


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler], tuple[int, dict[str, str], bytes]]) -> Iterator[str]:
    """A server that answers everything with what ``answer`` says."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, body = answer(self)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_errors_are_the_servers(server_url: str, tmp_path: Path) -> None:
    catalogue = driftline.open(server_url, cache=tmp_path)
    error = failure(lambda: catalogue.resolve("test.tiny", {"drift_velocity": "9 cm/us"}))
    assert (error.code, error.field, error.exit_code) == ("out_of_range", "conditions.drift_velocity", 2)
    assert error.remedy.startswith("Give a decimal number from 3 to 8 cm/us")
    assert failure(lambda: catalogue.bundle("0" * 64)).code == "unknown_model"
    assert failure(lambda: catalogue.bundle("../../x")).code in ("usage", "unknown_model", "unknown_route")
    assert failure(lambda: catalogue.resolve("..")).code == "unknown_family"
    assert failure(lambda: catalogue.resolve("a/b?c")).code == "unknown_family"


def test_a_bundle_by_prefix_and_its_files(server_url: str, published: Published, tmp_path: Path) -> None:
    digest = published.bundles[2]["digest"]
    bundle = driftline.open(server_url, cache=tmp_path).bundle(digest[:10])
    assert bundle.digest == digest
    bundle.verify()
    pulled = driftline.open(server_url, cache=tmp_path).pull(digest, tmp_path / "here")
    assert pulled.read("card.md") == bundle.read("card.md")
    assert driftline.open(tmp_path / "here").model("test.tiny").digest == digest


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    error = failure(lambda: driftline.open("http://127.0.0.1:9").families())
    assert (error.code, error.exit_code) == ("unreachable", 1)
    assert "refused" in error.message
    assert "healthz" in error.remedy
    assert "not known" in failure(lambda: driftline.open("http://no.such.invalid").families()).message
    for url in ("ftp://x", "http://", "http://user:password@host"):
        assert failure(lambda u=url: driftline.open(u)).code == "usage"


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {}, b"<html>hello</html>"),
        (200, {}, b"[]"),
        (200, {}, b'{"found":true}'),
        (200, {"Content-Length": "1000"}, b"{}"),
        (404, {}, b"nothing here"),
        (404, {}, b'{"found":false}'),
        (500, {}, b'{"code":7}'),
        (302, {"Location": "http://127.0.0.1:9/"}, b""),
    ],
)
def test_what_is_no_answer(status: int, headers: dict[str, str], body: bytes) -> None:
    with answering(lambda _: (status, headers, body)) as url:
        error = failure(lambda: driftline.open(url).resolve("test.tiny"))
    assert error.code in ("unreachable",), error


def test_a_busy_server_is_asked_again_and_then_no_more() -> None:
    asked = []
    busy = json.dumps({"code": "busy", "detail": "The server is full.", "remedy": "Ask again."}).encode()

    def answer(_: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        asked.append(1)
        return (503, {"Retry-After": "0"}, busy) if len(asked) < 3 else (200, {}, b'{"families":[]}')

    with answering(answer) as url:
        assert driftline.open(url).families() == []
        assert len(asked) == 3
        asked[:] = []
        error = failure(lambda: driftline.open(url, patience=0).families())
    assert (error.code, error.exit_code, len(asked)) == ("busy", 1, 1)


def test_a_token_is_shown_to_the_server_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str | None] = []

    def note(handler: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        shown.append(handler.headers.get("Authorization"))
        return 200, {}, b'{"families":[]}'

    monkeypatch.setenv("DRIFTLINE_TOKEN", "from the environment")
    with answering(note) as url:
        driftline.open(url).families()
        driftline.open(url, token="given").families()
        elsewhere = len(shown)
        with answering(lambda _: (307, {"Location": f"{url}/v1/families"}, b"")) as redirecting:
            assert (
                failure(lambda: driftline.open(redirecting, token="given").families()).code == "unreachable"
            )
    assert shown == ["Bearer from the environment", "Bearer given"]
    assert elsewhere == 2


def test_bytes_that_are_not_the_files_are_refused(published: Published, tmp_path: Path) -> None:
    digest = published.bundles[0]["digest"]
    directory = Path(published.bundles[0]["path"])
    wrong = ["model.onnx"]

    def answer(handler: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        path = handler.path.rpartition("/files/")[2]
        data = (directory / path).read_bytes()
        return 200, {}, data[:-1] + b"?" if path in wrong else data

    with answering(answer) as url:
        catalogue = driftline.open(url, cache=tmp_path)
        error = failure(lambda: catalogue.bundle(digest))
        assert (error.code, error.field) == ("damaged", "model.onnx")
        assert list(tmp_path.iterdir()) == []
        wrong[:] = ["bundle.json"]
        assert failure(lambda: catalogue.bundle(digest)).code == "damaged"
        assert list(tmp_path.iterdir()) == []
        wrong.clear()
        assert catalogue.bundle(digest).digest == digest
    assert [path.name for path in tmp_path.iterdir()] == [digest]
