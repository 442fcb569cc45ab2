"""What docs/families.md and README.md show is what happens."""

import doctest
import re
from pathlib import Path


def test_the_examples_of_families_md() -> None:
    docs = Path(__file__).parents[3] / "docs" / "families.md"
    failed, attempted = doctest.testfile(str(docs), module_relative=False, encoding="utf-8")
    assert attempted > 4
    assert failed == 0


def test_the_examples_of_the_readme(snapshot: Path, tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    # The family of the tests has the same inputs.
    code = (
        "".join(blocks).replace("/cvmfs/experiment.org/models", str(snapshot)).replace("mpd.tpc", "test.tiny")
    )
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["responses"].shape == (1000, 8, 16)
    assert names["model"].threads == 1
    assert not names["outside"].rows.any()
