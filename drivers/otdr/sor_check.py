"""Whether a `.sor` file is of the measurement that was set up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.facts.sor.fxd_params import FxdParams
from drivers.facts.sor.gen_params import GenParams
from drivers.facts.sor.read import read_sor

if TYPE_CHECKING:
    from drivers.roles import OtdrSettings

_SAME_INDEX = 2e-5


def mismatches(data: bytes, settings: OtdrSettings, whole_time: float) -> list[str]:
    """Return in words what a file says otherwise than `settings`; SorError if it is no `.sor` file.

    It may have been averaged for `whole_time` (a share) of its time and more. The range is left out: makers
    count it differently.
    """
    file = read_sor(data)
    general, fixed = file.block(GenParams), file.block(FxdParams)
    told: list[str] = []
    if general.wavelength_nm != round(settings.wavelength_nm):
        told.append(f"wavelength {general.wavelength_nm} nm, not {settings.wavelength_nm:g} nm")
    widths_ns = [pulse.width_ns for pulse in fixed.pulses]
    if widths_ns != [round(settings.pulse_ns)]:
        told.append(f"pulse {', '.join(map(str, widths_ns))} ns, not {settings.pulse_ns:g} ns")
    averaged_s = fixed.averaging_time_s
    if averaged_s is not None and averaged_s < whole_time * settings.averaging_s:
        told.append(f"averaged for {averaged_s:g} s, not {settings.averaging_s:g} s")
    if abs(fixed.group_index - settings.group_index) > _SAME_INDEX:
        told.append(f"group index {fixed.group_index:g}, not {settings.group_index:g}")
    return told
