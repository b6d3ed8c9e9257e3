"""The generated files: current, complete, and true to the models."""

from __future__ import annotations

import json
from pathlib import Path

from swarmhub_crds import schema
from swarmhub_crds.home import Home
from swarmhub_crds.notebook import Notebook

CRDS = Path(schema.__file__).parents[1]


def test_generated_files_are_current(tmp_path: Path) -> None:
    """`python -m swarmhub_crds.schema` would change nothing and leave nothing over."""
    schema.write(tmp_path)
    for folder in ("schema", "examples"):
        fresh = {f.name: f.read_text() for f in (tmp_path / folder).iterdir()}
        committed = {f.name: f.read_text() for f in (CRDS / folder).iterdir()}
        assert fresh == committed, "run `python -m swarmhub_crds.schema` and commit the result"


def test_examples_are_records() -> None:
    """What the example files hold reads back as the same records."""
    notebook = Notebook.model_validate_json((CRDS / "examples/notebook.json").read_text())
    home = Home.model_validate_json((CRDS / "examples/home.json").read_text())
    assert notebook == schema.example_notebook()
    assert home == schema.example_home()
    assert [m.volume for m in notebook.spec.mounts if m.home] == [home.metadata.name]


def test_schema_knows_every_field_of_the_example() -> None:
    """The schema speaks the wire's camelCase and forbids unknown fields in a spec."""
    document = json.loads((CRDS / "schema/notebook.json").read_text())
    example = json.loads((CRDS / "examples/notebook.json").read_text())
    for part, model in (("spec", "NotebookSpec"), ("status", "NotebookStatus")):
        assert set(example[part]) == set(document["$defs"][model]["properties"])
    assert document["$defs"]["NotebookSpec"]["additionalProperties"] is False
