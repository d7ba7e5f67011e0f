"""The generated modules are those of the present sources."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

PACKAGE = Path(__file__).parent.parent


def generator() -> Any:
    spec = importlib.util.spec_from_file_location("generate", PACKAGE / "scripts/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["schema.py", "_sync.py"])
def test_a_generated_module_is_fresh(name: str) -> None:
    made = generator().MODULES[name]()
    assert (PACKAGE / "src/thermocline" / name).read_text() == made


def test_the_sync_client_has_nothing_async() -> None:
    text = generator().sync()
    assert not [line for line in text.splitlines()[1:] if "async" in line.lower() or "await" in line]
