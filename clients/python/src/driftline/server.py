"""A catalogue behind `driftline serve`, over HTTP with the standard library."""

from __future__ import annotations

import http.client
import json
import math
import random
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from driftline.answer import Answer, NearModel, differences_of, no_model
from driftline.bundle import Bundle
from driftline.cache import BundleCache
from driftline.canonical import NotJson, parse_json
from driftline.errors import DriftlineError
from driftline.family import Family, Values
from driftline.key import Question, key_of
from driftline.manifest import DIGEST, MANIFEST_FILE, MAXIMUM_MANIFEST_BYTES, File, parse_manifest
from driftline.source import Accept, unknown_family

#: A server that says nothing for so long is taken for lost.
QUIET_SECONDS = 45.0


class Server:
    """The source of a server. Nothing is sent before the first question; every question is a connection of its own."""

    def __init__(self, url: str, token: str | None, cache: BundleCache | None, patience: float):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise DriftlineError(
                "usage",
                f"{url!r:.80} is not the URL of a Driftline server.",
                field="url",
                remedy="Give a URL such as http://127.0.0.1:8080, without a user's name or password.",
            )
        self.url = url if url.endswith("/") else f"{url}/"
        self.where = f"The server at {self.url}"
        self._token = token
        self._cache = cache
        self._patience = patience
        # A proxy of the site, if the environment names one, cannot reach this machine's own loopback.
        loopback = (
            parts.hostname == "localhost" or parts.hostname.startswith("127.") or parts.hostname == "::1"
        )
        proxies = [urllib.request.ProxyHandler({})] if loopback else []
        self._opener = urllib.request.build_opener(NoRedirect, *proxies)

    def families(self) -> list[Family]:
        """The families of the server."""
        return [self._family(each) for each in self._get("v1/families", "families")]

    def family(self, name: str, version: int | None = None) -> Family:
        """A family in the version that the server has."""
        family = self._family(self._ask(f"v1/families/{_segment(name)}", None)[1])
        if version not in (None, family.version):
            raise unknown_family(
                f"{name} version {version}", [f"{name} version {family.version}"], self.where
            )
        return family

    def resolve(
        self, family: str, conditions: Values | None, software: Values | None, accept: Accept
    ) -> Answer:
        """What the server says."""
        asked = {"conditions": _plain(conditions), "software": _plain(software), "accept": accept}
        status, found = self._ask(f"v1/families/{_segment(family)}/resolve", asked, (404,))
        try:
            if status == 404:
                near = [
                    NearModel(each["model"]["bundle"], each["distance"], differences_of(each["differences"]))
                    for each in found["nearest"]
                ]
                raise no_model(family, found["reason"], near, accept, found["fallback"])
            asked_for, model = found["question"], found["model"]
            question = Question(
                asked_for["family"],
                asked_for["familyVersion"],
                asked_for["conditions"],
                asked_for["software"],
                asked_for["defaulted"],
                asked_for["canonical"],
                asked_for["key"],
            )
            answer = Answer(
                model["bundle"],
                found["match"],
                found["distance"],
                question.key,
                model["key"],
                differences_of(found["differences"]),
                question,
            )
        except (KeyError, TypeError) as error:
            raise self._unreachable(f"its answer is not as this client knows it: {error!r}") from error
        if question.key != key_of(question.canonical) or (
            answer.match == "exact" and answer.model_key != answer.key
        ):
            raise self._unreachable("its answer contradicts itself: the key is not that of the question")
        return answer

    def bundle(self, digest: str) -> Bundle:
        """A bundle from the cache, which is filled; where no cache can be written, its files come when they are read."""
        if DIGEST.fullmatch(digest) is None:
            digest = self._get(f"v1/models/{_segment(digest)}", "bundle")
        if self._cache is not None:
            return self._cache.get(digest, self._fetch)
        return self._fetch(digest)

    def _fetch(self, digest: str) -> Bundle:
        files = ServerFiles(self, digest)
        manifest = self.file(digest, MANIFEST_FILE, MAXIMUM_MANIFEST_BYTES)
        return Bundle(parse_manifest(manifest, f"{digest[:12]} from {self.url}", digest), files)

    def file(self, digest: str, path: str, size: int) -> bytes:
        """The bytes of a file, not yet checked; of a longer one than is said one byte more."""
        encoded = "/".join(_segment(part) for part in path.split("/"))
        return self._send(f"v1/models/{digest}/files/{encoded}", None, "*/*", most=size + 1)[1]

    def digests(self) -> list[str]:
        """A server's models are checked where they are."""
        raise DriftlineError(
            "usage",
            f"{self.where} is verified where it runs.",
            field="place",
            remedy="Run `driftline doctor --verify` there, or name a snapshot.",
        )

    def lock(self, name: str) -> bytes | None:
        """A server's locks are not for its clients: they bring the file."""
        return None

    def close(self) -> None:
        """Nothing is held open."""

    def _get(self, path: str, member: str) -> Any:
        document = self._ask(path, None)[1]
        if member not in document:
            raise self._unreachable(f"its answer is not as this client knows it: there is no {member!r}")
        return document[member]

    def _family(self, definition: Any) -> Family:
        if not isinstance(definition, dict) or not {"name", "version", "conditions", "software"} <= set(
            definition
        ):
            raise self._unreachable("its answer is not as this client knows it: it is no family")
        return Family(definition)

    def _ask(
        self, path: str, body: Mapping[str, Any] | None, expected: tuple[int, ...] = ()
    ) -> tuple[int, Mapping[str, Any]]:
        """The JSON of a good answer, or of a miss with one of the statuses named; else the server's error."""
        status, data = self._send(path, body, "application/json", expected)
        try:
            document = parse_json(data)
        except NotJson as error:
            raise self._unreachable(f"it answered {status} without JSON: {error}") from error
        if not isinstance(document, dict):
            raise self._unreachable(f"it answered {status} with JSON that is no object")
        if status in expected and document.get("found") is not False:
            raise self._problem(status, data)
        return status, document

    def _send(
        self,
        path: str,
        body: Mapping[str, Any] | None,
        accept: str,
        expected: tuple[int, ...] = (),
        most: int | None = None,
    ) -> tuple[int, bytes]:
        headers = {"Accept": accept, "User-Agent": "driftline-python"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(self.url + path, data, headers)
        started = time.monotonic()
        while True:
            try:
                with self._opener.open(request, timeout=QUIET_SECONDS) as response:
                    return response.status, response.read(most)
            except urllib.error.HTTPError as error:
                with error:
                    status, pause, answer = error.code, error.headers.get("Retry-After"), error.read()
            except (OSError, http.client.HTTPException) as error:
                raise self._unreachable(_reason(error)) from error
            if status in expected:
                return status, answer
            if status != 503 or pause is None or time.monotonic() - started >= self._patience:
                raise self._problem(status, answer)
            # A full server has done nothing, and what is asked of it can be asked twice.
            seconds = float(pause) if pause.isdecimal() else 0.1
            time.sleep(max(0.1, seconds) * (0.5 + random.random()))

    def _problem(self, status: int, data: bytes) -> DriftlineError:
        """The error that a problem document (RFC 9457) describes."""
        try:
            document = parse_json(data)
            code, detail = document.pop("code"), document.pop("detail")
        except (NotJson, KeyError, TypeError, AttributeError):
            return self._unreachable(f"it answered {status}, not as a Driftline server")
        field, remedy = document.pop("field", None), document.pop("remedy", None)
        more = {name: value for name, value in document.items() if name not in ("type", "title", "status")}
        return DriftlineError(str(code), str(detail), field=field, remedy=remedy, data=more)

    def _unreachable(self, why: str) -> DriftlineError:
        return DriftlineError(
            "unreachable",
            f"No usable answer from the Driftline server at {self.url}: {why}.",
            field="url",
            remedy=f"Check the URL, and that `driftline serve` runs there (curl {self.url}healthz).",
        )

    def __repr__(self) -> str:
        return f"server {self.url}"


class ServerFiles:
    """Files of a bundle that a server has."""

    def __init__(self, server: Server, digest: str):
        self._server, self._digest = server, digest
        self.where = f"{digest[:12]} from {server.url}"

    def read(self, file: File) -> bytes:
        """The bytes as they came."""
        return self._server.file(self._digest, file.path, file.size)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A Driftline server sends nobody elsewhere, and a token is for nobody else."""

    def redirect_request(self, *_: Any) -> None:
        """Leaves the answer as it is: an error."""


def _segment(value: str) -> str:
    """A part of a path, so that a name cannot leave its place: "." and ".." mean something even when encoded."""
    return quote(f"{value} " if value in (".", "..") else value, safe="")


def _plain(values: Values | None) -> dict[str, Any]:
    """Values as JSON has them: NumPy's numbers become Python's. What JSON has not is refused by the server's rules."""
    plain = {}
    for name, value in (values or {}).items():
        value = value.item() if hasattr(value, "item") and not isinstance(value, str) else value
        if not isinstance(value, (str, int, float)) or isinstance(value, bool) or not _finite(value):
            raise DriftlineError(
                "invalid_quantity",
                f"Condition {name}: {value!r:.80} is not a decimal number with a unit.",
                field=f"conditions.{name}",
                remedy="Give a text such as '5.50 cm/us', or a number in the declared unit.",
            )
        plain[name] = value
    return plain


def _finite(value: str | int | float) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _reason(error: Exception) -> str:
    """What went wrong below urllib, in a few words."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ConnectionRefusedError):
        return "the connection was refused"
    if type(cause).__name__ == "gaierror":
        return "its host name is not known"
    if type(cause).__name__ == "SSLCertVerificationError":
        return f"its certificate is not trusted ({cause}); SSL_CERT_FILE names an authority of your own"
    return str(cause) or type(cause).__name__
