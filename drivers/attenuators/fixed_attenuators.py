"""A set of fixed attenuators. No wire leads to it: an operator puts them in line and takes them out.

The paper added its attenuation like that (section 3.2): 3, 5 and 7 dB by one attenuator of 0.2 dB tolerance,
8 and 10 dB by two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.attenuators.combinations import loss_db, pieces_for, uncertainty_db, values_db
from drivers.errors import LimitError, NotHomed, StationError
from drivers.facts.lab import Patch
from drivers.roles import AttenuatorSpec, Identity, OperatorTask

if TYPE_CHECKING:
    from drivers.facts.gear import FixedAttenuatorsGear
    from drivers.roles import Operator

# Values are given for a nominal wavelength: channels of a grid around it count as the same (assumed).
_CALIBRATION_REACH_NM = 1.0


class FixedAttenuators:
    """The set, and which of it is in line as the operator said it; fills the role `Attenuator`."""

    def __init__(self, name: str, site: str, gear: FixedAttenuatorsGear, operator: Operator | None) -> None:
        self._name = name
        self._site = site
        self._maker = gear.maker
        self._pieces = gear.pieces
        self._operator = operator
        self._wavelength_nm = gear.calibration_nm
        # None: nobody has said it yet, or the operator broke off.
        self._in_line: dict[str, bool | None] = dict.fromkeys(gear.pieces)
        can_db = values_db(gear.pieces)
        self.spec = AttenuatorSpec(
            min_db=0.0,
            max_db=can_db[-1],
            resolution_db=0.01,
            # They are picked by what is written on them and read by what was measured.
            readback_db=sum(abs(piece.loss_db() - piece.nominal_db) for piece in gear.pieces.values()),
            insertion_loss_db=0.0,
            min_wavelength_nm=gear.calibration_nm - _CALIBRATION_REACH_NM,
            max_wavelength_nm=gear.calibration_nm + _CALIBRATION_REACH_NM,
            has_shutter=False,
            values_db=can_db,
        )

    def identity(self) -> Identity:
        """Return what the inventory says of the set: nothing on a wire can tell."""
        listed = ", ".join(f"{name} {piece.nominal_db:g} dB" for name, piece in self._pieces.items())
        return Identity(self._maker, f"fixed attenuators: {listed}", "none", "none")

    def attenuation_db(self) -> float:
        """Return the loss in dB of what is in line, by measured or else nominal values.

        NotHomed as long as the operator has not said what that is.
        """
        return loss_db(self._pieces, self._names_in_line())

    def uncertainty_db(self) -> float:
        """Return how far the true loss of what is in line may be from that, in dB; NotHomed likewise."""
        return uncertainty_db(self._pieces, self._names_in_line())

    def set_attenuation_db(self, attenuation_db: float) -> None:
        """Have the operator put those in line that nominally make `attenuation_db`, the fewest that do.

        LimitError, before anybody is asked, naming the values that can be made. StationError if nobody can,
        OperatorAbort if the operator did not: what was done before is remembered.
        """
        wanted = pieces_for(self._pieces, attenuation_db, self._name)
        in_line = " and ".join(wanted) or "none of the set"
        why = f"{attenuation_db:g} dB are to be added: {in_line} in line."
        # Nothing is put in before all that does not belong there is out: never more than the larger of both.
        for piece in sorted(self._pieces, key=wanted.__contains__):
            self._bring_about(piece, why, in_line=piece in wanted)

    def shutter_open(self) -> bool:
        """Return True: there is no shutter."""
        return True

    def set_shutter_open(self, is_open: bool) -> None:
        """Do nothing to let light pass; LimitError to block it, since there is no shutter."""
        if not is_open:
            raise LimitError(f"{self._name}: fixed attenuators have no shutter")

    def wavelength_nm(self) -> float:
        """Return the wavelength in nm for which the values are taken."""
        return self._wavelength_nm

    def set_wavelength_nm(self, wavelength_nm: float) -> None:
        """Take the values for `wavelength_nm`; LimitError more than 1 nm from where they hold."""
        low, high = self.spec.min_wavelength_nm, self.spec.max_wavelength_nm
        if not low <= wavelength_nm <= high:  # also refuses NaN
            raise LimitError(
                f"{self._name}: wavelength {wavelength_nm} nm: its values hold from {low:g} to {high:g}"
            )
        self._wavelength_nm = wavelength_nm

    def close(self) -> None:
        """Do nothing: there is no connection, and what is in line stays there."""

    def _names_in_line(self) -> list[str]:
        unknown = [name for name, is_in_line in self._in_line.items() if is_in_line is None]
        if unknown:
            problem = (
                f"nobody has said whether {', '.join(unknown)} is in line; the next setting has it asked"
            )
            raise NotHomed(self._name, "what is in line", problem)
        return [name for name, is_in_line in self._in_line.items() if is_in_line]

    def _bring_about(self, piece: str, why: str, *, in_line: bool) -> None:
        known = self._in_line[piece]
        if known is in_line:
            return
        task = self._task(piece, why, in_line=in_line, is_known=known is not None)
        if self._operator is None:
            raise StationError(f"{self._name}: this needs an operator, and there is none: {task.do}")
        # Whoever breaks off may have got half-way.
        self._in_line[piece] = None
        self._operator.carry_out(task)
        self._in_line[piece] = in_line

    def _task(self, piece: str, why: str, *, in_line: bool, is_known: bool) -> OperatorTask:
        which = f"the fixed attenuator {piece} ({self._pieces[piece].nominal_db:g} dB, {self._site})"
        if in_line:
            do = f"Put {which} in line with the fibre."
        elif is_known:
            do = f"Take {which} out of the fibre and join the fibre without it."
        else:
            do = f"See that {which} is not in line with the fibre."
        return OperatorTask(do=do, why=why, patch=Patch(gear=piece, in_line=in_line))
