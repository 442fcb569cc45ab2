"""What docs/families.md shows is what is printed."""

import doctest
from pathlib import Path


def test_the_examples_of_families_md() -> None:
    docs = Path(__file__).parents[3] / "docs" / "families.md"
    failed, attempted = doctest.testfile(str(docs), module_relative=False, encoding="utf-8")
    assert attempted > 4
    assert failed == 0
