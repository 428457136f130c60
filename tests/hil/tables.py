"""Event tables written by hand, for what an emulated OTDR would not show so plainly."""

from __future__ import annotations

from drivers.roles import MarkedDb, OtdrEvent


def row(
    number: int,
    at_m: float,
    kind: str = "Reflection",
    *,
    loss_db: float | MarkedDb | None = None,
    reflectance_db: float | MarkedDb | None = None,
    total_db: float | MarkedDb | None = None,
    slope_db_per_km: float | None = None,
    section_m: float | None = None,
) -> OtdrEvent:
    """Return a row; plain numbers have no marks."""
    return OtdrEvent(
        number=number,
        kind=kind,
        distance_m=at_m,
        loss_db=_marked(loss_db),
        reflectance_db=_marked(reflectance_db),
        slope_db_per_km=_marked(slope_db_per_km),
        section_m=section_m,
        total_loss_db=_marked(total_db),
        is_end=kind == "End",
        is_ghost=kind == "Ghost",
    )


def _marked(value: float | MarkedDb | None) -> MarkedDb | None:
    return value if value is None or isinstance(value, MarkedDb) else MarkedDb(value)


def table_of_two(
    *, first_loss: float | MarkedDb | None = 0.5, last_loss: float | MarkedDb | None = 0.6
) -> list[OtdrEvent]:
    """Return the table of 10 km of fibre (0.2 dB/km) between two connectors, and leads of 1 km each."""
    return [
        row(1, 0.0, "", reflectance_db=-45.0, section_m=0.0),
        row(
            2,
            1000.0,
            loss_db=first_loss,
            reflectance_db=-50.0,
            total_db=0.2,
            section_m=1000.0,
            slope_db_per_km=0.2,
        ),
        row(
            3,
            11_000.0,
            loss_db=last_loss,
            reflectance_db=-50.0,
            total_db=2.7,
            section_m=10_000.0,
            slope_db_per_km=0.2,
        ),
        row(4, 12_000.0, "End", reflectance_db=-14.4, total_db=3.5, section_m=1000.0, slope_db_per_km=0.2),
    ]
