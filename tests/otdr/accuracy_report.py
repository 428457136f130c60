"""Print how far off the analysis is over a hundred seeds: `python -m tests.otdr.accuracy_report`.

The figures of docs/physics-otdr.md come from here.
"""

from __future__ import annotations

import numpy as np

from emulators.otdr.settings import AcquisitionSettings
from tests.otdr.accuracy import Measured, measure, paper_link
from tests.otdr.links import random_link

SETTINGS = {
    "100 ns, 1550 nm": AcquisitionSettings(1550.0, 100.0, 40.0, 3.125, 30.0),
    "300 ns, 1550 nm": AcquisitionSettings(1550.0, 300.0, 40.0, 3.125, 30.0),
    "100 ns, 1310 nm": AcquisitionSettings(1310.0, 100.0, 40.0, 3.125, 30.0, 1.4675, -79.0),
    "100 ns, 1625 nm": AcquisitionSettings(1625.0, 100.0, 40.0, 3.125, 30.0, 1.4683, -82.0),
}


def main(seeds: int = 100) -> None:
    """Print a block for each kind of link and each setting."""
    for name, settings in SETTINGS.items():
        show(f"paper, {name}", [measure(paper_link(), seed, settings) for seed in range(seeds)])
        for shortest_m in (80.0, 35.0):
            links = [random_link(np.random.default_rng([seed, 1]), shortest_m) for seed in range(seeds)]
            measured = [measure(link, seed, settings) for seed, link in enumerate(links)]
            show(f"random, spans from {shortest_m:.0f} m, {name}", measured)


def show(title: str, measured: list[Measured]) -> None:
    """Print quantiles of all errors, and every miss."""
    events = [one.events for one in measured]
    rows = {
        "event position / m": [error for each in events for error in each.position_errors_m],
        "event loss / dB": [error for each in events for error in each.loss_errors_db],
        "length / m": [one.length_error_m for one in measured],
        "end-to-end loss / dB": [one.loss_error_db for one in measured],
    }
    misses = [miss for one in measured for miss in one.misses]
    lines = [f"== {title}: {len(measured)} acquisitions, {len(misses)} misses"]
    for name, errors in rows.items():
        low, middle, high = np.quantile(errors, [0.01, 0.5, 0.99])
        worst = max(errors, key=abs)
        lines.append(
            f"{name:22} n {len(errors):5}  1 % {low:+.4f}  median {middle:+.4f}  99 % {high:+.4f}"
            f"  rms {np.sqrt(np.mean(np.square(errors))):.4f}  worst {worst:+.4f}"
        )
    print("\n".join([*lines, *misses]), flush=True)  # noqa: T201 - this is the output


if __name__ == "__main__":
    main()
