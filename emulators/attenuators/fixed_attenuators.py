"""The true losses of an emulated set of fixed attenuators: drawn once, within what is allowed of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.facts.gear import FixedAttenuatorsGear
    from emulators.lab.streams import Streams


def true_losses_db(name: str, gear: FixedAttenuatorsGear, streams: Streams) -> dict[str, float]:
    """Return the loss of each piece in the light, in dB, the same for the same seed.

    All losses within the uncertainty are equally likely (assumed: a tolerance says no more than that).
    """
    losses_db: dict[str, float] = {}
    for piece, facts in gear.pieces.items():
        # A stream for each: one more in the set changes none of the others.
        generator = streams.stream(f"{name}/{piece}").generator(0)
        reach_db = facts.uncertainty_db()
        loss_db = facts.loss_db() + float(generator.uniform(-reach_db, reach_db))
        losses_db[piece] = 0.0 if gear.defects.stuck else max(loss_db, 0.0) * gear.defects.scale
    return losses_db
