from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs


@pytest.fixture(autouse=True, scope="session")
def quiet() -> Iterator[None]:
    """Faults are provoked here by the thousand; drawing their tracebacks would take most of the time."""
    with capture_logs():
        yield
