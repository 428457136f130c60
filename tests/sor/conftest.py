"""Let the shared comparison say what differed, as a test file does."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.sor.sor_comparison")
