"""The table that reproduces the paper, written in the paper's own units."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hil_tests.paper import PaperRow, Quantity

NAMES: dict[Quantity, str] = {
    "skr_bps": "Secret key rate",
    "qber": "QBER",
    "visibility": "Dcc visibility",
    "detection_count": "Total detection count",
    "qber_share_below_2p9": "Share of records with a QBER below 2.9 %",
    "qber_max": "QBER, largest of any record",
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
        case _:
            scale, decimals, unit = 100.0, 2, " %"
    text = f"{scale * value:,.{decimals}f}"
    scatter = "" if sd is None else f" ± {scale * sd:,.{decimals}f}"
    return f"{text}{scatter}{unit}"


def is_met(row: PaperRow) -> bool:
    """Tell whether what the paper states without a standard deviation holds for this run."""
    match row.relation:
        case ">":
            return row.measured > row.published
        case "<":
            return row.measured < row.published
        case "=":
            return row.measured == row.published
