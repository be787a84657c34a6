"""Templates of the tests, beside the project's own."""

import pytest

from mail.tests.factories import write_templates


@pytest.fixture(autouse=True)
def _test_templates(settings, tmp_path):
    folder = tmp_path / "templates"
    write_templates(folder)
    engine = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**engine, "DIRS": [folder, *engine["DIRS"]]}]
