"""The table of codes is the platform's, and an error survives the way from one process to another."""

from __future__ import annotations

import pickle

from support import ROOT

import driftline


def test_the_codes_are_those_of_the_platform() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (ROOT / "docs/errors.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    documented = {code.strip("`"): (title, int(exit_code)) for code, title, _, _, exit_code in rows}
    assert dict(driftline.CODES) == documented


def test_an_error_says_what_to_do_and_how_a_job_should_end() -> None:
    error = driftline.DriftlineError("no_model", "Nothing fits.", field="family", remedy="Have it made.")
    assert str(error) == "Nothing fits. Have it made. [no_model]"
    assert error.exit_code == 4
    assert driftline.DriftlineError("from_a_newer_server", "Something.").exit_code == 1


def test_an_error_comes_back_from_a_worker_process() -> None:
    error = driftline.DriftlineError(
        "damaged", "It is.", field="model.onnx", remedy="Fetch it.", data={"a": 1}
    )
    again = pickle.loads(pickle.dumps(error))
    assert vars(again) == vars(error)
    assert str(again) == str(error)
