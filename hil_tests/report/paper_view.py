"""The table that reproduces the paper, written in the paper's own units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil_tests.report import formats

if TYPE_CHECKING:
    from hil_tests.paper import FibreQuantity, PaperRow, Quantity

NAMES: dict[Quantity | FibreQuantity, str] = {
    "skr_bps": "Secret key rate",
    "qber": "QBER",
    "visibility": "Dcc visibility",
    "detection_count": "Total detection count",
    "qber_share_below_2p9": "Share of records with a QBER below 2.9 %",
    "qber_max": "QBER, largest of any record",
    "fibre_length_km": "Length of the fibre",
    "fibre_loss_db": "End-to-end loss of the fibre at 1550 nm",
}


def paper_name(row: PaperRow) -> str:
    """Name the row's quantity."""
    return NAMES[row.quantity]


def paper_figure(row: PaperRow, value: float, sd: float | None) -> str:
    """Write a value of the row's quantity with its standard deviation."""
    match row.quantity:
        case "skr_bps":
            scale, decimals, unit = 1.0, 0, " bps"
        case "detection_count":
            scale, decimals, unit = 1.0, 0, ""
        case "fibre_length_km":
            scale, decimals, unit = 1.0, 3, " km"
        case "fibre_loss_db":
            scale, decimals, unit = 1.0, 2, " dB"
        case _:
            scale, decimals, unit = 100.0, 2, " %"
    text = f"{scale * value:,.{decimals}f}"
    scatter = "" if sd is None else f" ± {scale * sd:,.{decimals}f}"
    return f"{text}{scatter}{unit}"


def agreement(row: PaperRow) -> str:
    """Write how near the row is: z, the difference of what was measured once, or whether it holds."""
    if row.z is not None:
        return formats.figure(round(row.z, 2), "s.d.", signed=True).replace(" s.d.", "")
    match row.quantity:
        case "fibre_length_km":
            return formats.figure(1000.0 * (row.measured - row.published), "m", signed=True)
        case "fibre_loss_db":
            return formats.figure(row.measured - row.published, "dB", signed=True)
        case _:
            return "as published" if is_met(row) else "not as published"


def is_met(row: PaperRow) -> bool:
    """Tell whether what the paper states without a standard deviation holds for this run."""
    match row.relation:
        case ">":
            return row.measured > row.published
        case "<":
            return row.measured < row.published
        case "=":
            return row.measured == row.published
