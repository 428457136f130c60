"""Links drawn at random, as a technician might meet them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

FIBRES = ("G.652.D", "G.657.A1", "G.657.A2")


def random_link(draw: np.random.Generator, shortest_m: float = 80.0) -> list[dict[str, Any]]:
    """Return a link of 5 to 20 spans, 10 to 22 km, with splices, connectors, patches, bends and attenuators.

    Spans are at least `shortest_m` long. The loss at 1550 nm stays below about 14 dB.
    """
    count = int(draw.integers(5, 21))
    shares = draw.dirichlet([1.5] * count)
    length_m = draw.uniform(10_000.0, 22_000.0)
    parts: list[dict[str, Any]] = [_connector(draw)]
    fibre = "G.652.D"
    for index, share in enumerate(shares):
        parts.append({"kind": "span", "fibre": fibre, "length_m": shortest_m + float(share) * length_m})
        if index < count - 1:
            parts.append(_part(draw))
        if draw.random() < 0.2:
            fibre = FIBRES[int(draw.integers(len(FIBRES)))]
    parts.append(_connector(draw))
    return parts


def _connector(draw: np.random.Generator) -> dict[str, Any]:
    return {
        "kind": "connector",
        "loss_db": float(draw.uniform(0.1, 0.8)),
        "reflectance_db": float(draw.uniform(-58.0, -35.0)),
    }


def _part(draw: np.random.Generator) -> dict[str, Any]:
    choice = draw.random()
    if choice < 0.45:
        return {"kind": "splice", "loss_db": float(draw.uniform(0.0, 0.2))}
    if choice < 0.65:
        return _connector(draw)
    if choice < 0.85:
        cord = {"kind": "patch", "fibre": "G.657.A2", "length_m": float(draw.uniform(1.0, 5.0))}
        return {
            **cord,
            "loss_db": float(draw.uniform(0.1, 0.5)),
            "reflectance_db": float(draw.uniform(-58, -40)),
        }
    if choice < 0.95:
        return {
            "kind": "bend",
            "fibre": "G.657.A1",
            "radius_mm": float(draw.uniform(9.0, 15.0)),
            "turns": 1.0,
        }
    return {"kind": "loss", "loss_db": float(draw.uniform(0.5, 1.5))}
