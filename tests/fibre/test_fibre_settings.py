"""How an OTDR is set up at each wavelength: the usual fibre's K and index, or the plan's one index."""

from __future__ import annotations

import pytest

from drivers.errors import LimitError
from drivers.facts.inventory import FibrePlan
from sweeps.procedures.fibre import settings_at


def plan(wavelength_nm: float, group_index: float | None = None) -> FibrePlan:
    return FibrePlan(
        wavelengths_nm=[wavelength_nm],
        range_km=40.0,
        pulse_ns=100.0,
        averaging_s=30.0,
        group_index=group_index,
    )


@pytest.mark.parametrize(
    ("wavelength_nm", "group_index", "backscatter_db"),
    [(1310.0, 1.4675, -79.0), (1550.0, 1.468, -81.0), (1625.0, 1.4685, -82.0)],
)
def test_index_and_k_are_the_usual_fibres_at_the_wavelength(
    wavelength_nm: float, group_index: float, backscatter_db: float
) -> None:
    settings = settings_at(plan(wavelength_nm), wavelength_nm)
    assert (settings.group_index, settings.backscatter_db) == (group_index, backscatter_db)
    assert (settings.wavelength_nm, settings.range_km, settings.pulse_ns) == (wavelength_nm, 40.0, 100.0)


def test_an_index_of_the_plan_is_taken_at_every_wavelength() -> None:
    assert settings_at(plan(1310.0, 1.4677), 1310.0).group_index == 1.4677


def test_a_wavelength_that_the_fibre_has_no_figures_for_is_refused() -> None:
    with pytest.raises(LimitError, match=r"fibre\.wavelengths_nm: 1700: no figure at 1700 nm"):
        settings_at(plan(1700.0), 1700.0)
