"""The README does what it says."""

import doctest
import re
import shlex
from pathlib import Path

from eslab.datasets import DATA_SETS

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)


def test_the_example_gives_what_it_shows():
    example = doctest.DocTestParser().get_doctest("".join(blocks("python")), {}, "README.md", "README.md", 0)
    result = doctest.DocTestRunner().run(example)
    assert result.attempted >= 5
    assert result.failed == 0


def test_the_two_commands_stand_alone_so_that_ci_can_take_them_out():
    assert blocks("sh") == ["pip install -e . && eslab lab\n", "pip install -e '.[test]' && pytest\n"]
    assert [shlex.split(block)[0] for block in blocks("sh")] == ["pip", "pip"]


def test_it_is_short_with_code_by_line_20():
    assert len([word for word in TEXT.split() if word != "|"]) <= 450
    assert "```python" in TEXT.splitlines()[:20]


def test_it_names_every_notebook():
    numbers = re.findall(r"^\| (\d\d) ", TEXT, flags=re.MULTILINE)
    assert numbers == sorted(path.name[:2] for path in (README.parent / "notebooks").glob("[0-9]*.ipynb"))


def test_it_names_the_licence_of_every_data_set():
    licence = TEXT.partition("## Licence")[2]
    words = {"quakes": "earthquakes", "flights-month": "flights"}
    assert [name for name in DATA_SETS if words.get(name, name) not in licence] == []


def test_its_pictures_and_links_are_there():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", TEXT) if "://" not in link]
    assert links
    assert [link for link in links if not (README.parent / link).is_file()] == []
