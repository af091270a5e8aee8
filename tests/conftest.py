"""What several tests share: a small procedural data set in PartNet's layout, written once."""

import pytest
from small_data import write_small_partnet


@pytest.fixture(scope="session")
def small_partnet(tmp_path_factory):
    """The folder that `write_small_partnet` writes."""
    return write_small_partnet(tmp_path_factory.mktemp("small_partnet"))
