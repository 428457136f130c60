"""How near a run comes to the published tables. This reproduces the paper; it accepts no link."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from drivers.errors import InventoryError
from drivers.facts.checked_yaml import read_checked
from drivers.facts.strict import Decibels, Strict, WavelengthNm
from hil_tests.measure import estimates
from hil_tests.measure.directions import directions_at
from hil_tests.measure.otdr_link import LinkNotFound
from hil_tests.run_data import read_run

if TYPE_CHECKING:
    from hil_tests.run_data import Columns, RunData
    from sweeps.record.run_record import RunRecord

PAPER_FILE = Path(__file__).with_name("paper.yaml")
QBER_SHARE_THRESHOLD = 0.029

Quantity = Literal["skr_bps", "qber", "visibility", "detection_count", "qber_share_below_2p9", "qber_max"]
FibreQuantity = Literal["fibre_length_km", "fibre_loss_db"]


class Published(Strict):
    """One published value with its standard deviation, if one was given."""

    procedure: Literal["attenuation", "stability"]
    added_db: Decibels
    quantity: Quantity
    published: float
    published_sd: Annotated[float, Field(gt=0)] | None = None
    relation: Literal["=", ">", "<"] = "="
    """">": the paper says only that the value is larger than `published`."""
    source: str


class PublishedFibre(Strict):
    """One published value of the fibre."""

    quantity: FibreQuantity
    wavelength_nm: WavelengthNm
    published: float
    source: str


class Paper(Strict):
    """All published values that a run is held against."""

    version: Literal[1]
    title: str
    fibre: list[PublishedFibre]
    rows: list[Published]
    added_db_uncertainty: dict[float, float]

    def find(self, quantity: Quantity, added_db: float) -> Published | None:
        """Return the published value of `quantity` at a point, if there is one."""
        found = (row for row in self.rows if row.quantity == quantity and row.added_db == added_db)
        return next(found, None)


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A published value beside the measured one."""

    quantity: Quantity | FibreQuantity
    added_db: float | None
    """None for what is no measurement with the QKD pair."""
    published: float
    published_sd: float | None
    measured: float
    measured_sd: float | None
    """Standard deviation of single records; None where the value is not a mean."""
    z: float | None
    """(measured - published) / published_sd."""
    relation: Literal["=", ">", "<"]
    source: str


@cache
def load_paper() -> Paper:
    """Read what the paper published; InventoryError with every mistake in the file."""
    checked = read_checked(PAPER_FILE, Paper)
    if checked.value is None:
        raise InventoryError(PAPER_FILE.name, checked.mistakes)
    return checked.value


def compare_with_paper(run: RunRecord) -> list[PaperRow]:
    """Hold `run` against the published tables; points without records are left out."""
    data = read_run(run)
    paper = load_paper()
    if data.facts.procedure == "fibre":
        return [row for published in paper.fibre for row in _fibre_rows(published, data)]
    rows: list[PaperRow] = []
    for published in paper.rows:
        if published.procedure != data.facts.procedure:
            continue
        columns = data.columns if published.procedure == "stability" else data.at(published.added_db)
        if columns.n:
            rows.append(_row(published, columns))
    return rows


def _fibre_rows(published: PublishedFibre, data: RunData) -> list[PaperRow]:
    """Return the row of a fibre's length or loss, mean of both directions; none where it was not found."""
    try:
        directions = directions_at(data, published.wavelength_nm)
        if published.quantity == "fibre_length_km":
            values = [direction.link.length_m / 1000.0 for direction in directions]
        else:
            values = [direction.loss_db() for direction in directions]
    except LinkNotFound:
        return []
    return [
        PaperRow(
            quantity=published.quantity,
            added_db=None,
            published=published.published,
            published_sd=None,
            measured=sum(values) / len(values),
            measured_sd=None,
            z=None,
            relation="=",
            source=published.source,
        )
    ]


def _row(published: Published, columns: Columns) -> PaperRow:
    measured, measured_sd = _measure(columns, published.quantity)
    sd = published.published_sd
    return PaperRow(
        quantity=published.quantity,
        added_db=published.added_db,
        published=published.published,
        published_sd=sd,
        measured=measured,
        measured_sd=measured_sd,
        z=None if sd is None else (measured - published.published) / sd,
        relation=published.relation,
        source=published.source,
    )


def _measure(columns: Columns, quantity: Quantity) -> tuple[float, float | None]:
    """Return the measured value and the standard deviation of single records."""
    match quantity:
        case "qber_share_below_2p9":
            return estimates.share_below(columns.qber, QBER_SHARE_THRESHOLD).value, None
        case "qber_max":
            return float(columns.qber.max()), None
        case "skr_bps":
            values = columns.skr_bps
        case "qber":
            values = columns.qber
        case "visibility":
            values = columns.visibility
        case "detection_count":
            values = columns.detection_count
    return float(values.mean()), estimates.sample_sd(values) if values.size > 1 else None
