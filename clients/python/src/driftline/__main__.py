"""`python -m driftline resolve|verify|generate`: what a worker node does with a snapshot, for jobs that are shell scripts."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import driftline
from driftline.errors import DriftlineError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        with driftline.open(options.place, lock=options.lock) as catalogue:
            said = {"resolve": _resolve, "verify": _verify, "generate": _generate}[options.command](
                catalogue, options
            )
    except DriftlineError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(json.dumps(said))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="driftline", description="Finds, checks and uses a model of a snapshot; answers are JSON."
    )
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument(
        "--snapshot",
        dest="place",
        metavar="PLACE",
        help="a snapshot, a bundle directory or a URL; without it DRIFTLINE_SNAPSHOT or DRIFTLINE_URL",
    )
    place.add_argument(
        "--lock", metavar="LOCK", help="a lock file, or the tag or digest of one that the snapshot has"
    )
    question = argparse.ArgumentParser(add_help=False, parents=[place])
    question.add_argument("family", metavar="FAMILY")
    question.add_argument("--at", metavar="NAME=VALUE", action="append", default=[], help="a condition")
    question.add_argument("--software", metavar="NAME=NAME/VERSION", action="append", default=[])
    question.add_argument("--accept", choices=("exact", "compatible"), default="exact")
    question.add_argument("--run", metavar="N", type=int, help="a run, under a lock")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser("resolve", parents=[question], help="the bundle that answers a question")
    commands.add_parser(
        "verify", parents=[place], help="every model: all digests, and its reference replayed"
    )
    generate = commands.add_parser("generate", parents=[question], help="responses to a file of inputs")
    generate.add_argument(
        "--inputs",
        metavar="FILE",
        type=Path,
        required=True,
        help="features [n, inputs] as .npy, or a safetensors file with the tensor `features`",
    )
    generate.add_argument("--seed", metavar="N", type=int, default=1)
    generate.add_argument("--out", metavar="FILE", type=Path, required=True, help="safetensors to write")
    return parser


def _resolve(catalogue: driftline.Catalogue, options: argparse.Namespace) -> dict[str, Any]:
    answer = catalogue.resolve(options.family, **_asked(options))
    return {name: value for name, value in asdict(answer).items() if value is not None and name != "question"}


def _verify(catalogue: driftline.Catalogue, _options: argparse.Namespace) -> dict[str, Any]:
    digests = catalogue.digests()
    for digest in digests:
        catalogue.bundle(digest).verify()
    return {"models": len(digests), "passed": True}


def _generate(catalogue: driftline.Catalogue, options: argparse.Namespace) -> dict[str, Any]:
    features = _features(options.inputs)
    model = catalogue.model(options.family, **_asked(options))
    provenance = model.provenance(options.seed, firstEvent=0, events=len(features))
    response = model.generate(features, seed=options.seed)
    try:
        driftline.write_sample(options.out, features, response, provenance)
    except OSError as error:
        raise DriftlineError(
            "usage", f"Writing {options.out}: {error.strerror}.", field="--out", remedy="Name another file."
        ) from error
    return {**provenance, "path": str(options.out)}


def _features(path: Path) -> NDArray[np.float32]:
    import numpy as np

    from driftline.safetensors import decode_safetensors

    try:
        if path.suffix == ".npy":
            return np.asarray(np.load(path, allow_pickle=False), np.float32)
        return decode_safetensors(path.read_bytes(), str(path))["features"]
    except (OSError, ValueError, KeyError) as error:
        why = "it has no tensor `features`" if isinstance(error, KeyError) else error
        raise DriftlineError(
            "invalid_data",
            f"Reading the inputs {path}: {why}.",
            field="--inputs",
            remedy="Give features [n, inputs] as .npy, or as safetensors with the tensor `features`.",
        ) from error


def _asked(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "conditions": _values("--at", options.at) or None,
        "software": _values("--software", options.software) or None,
        "run": options.run,
        "accept": options.accept,
    }


def _values(option: str, words: list[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for word in words:
        name, is_set, value = word.partition("=")
        if not name or not is_set or name in values:
            what = "is given twice" if name in values else "needs a name and a value"
            raise DriftlineError(
                "usage", f"{option} {word} {what}.", field=option, remedy=f"Write {option} NAME=VALUE, once."
            )
        values[name] = value
    return values


if __name__ == "__main__":
    sys.exit(main())
