"""The interlock: an OTDR whose light is refused while it may reach a live QKD receiver.

A SmartOTDR sends pulses of tens of mW; a receiver counts single photons and is blinded by them, or destroyed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.errors import StationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.roles import Identity, Otdr, OtdrCurve, OtdrEvent, OtdrSettings


class InterlockedOtdr:
    """Hands everything on to `otdr` but what would send light while `why_dark` gives a reason against it."""

    def __init__(self, name: str, otdr: Otdr, why_dark: Callable[[], str | None]) -> None:
        self._name = name
        self._otdr = otdr
        self._why_dark = why_dark

    def identity(self) -> Identity:
        """Ask the device who it is."""
        return self._otdr.identity()

    def wavelengths_nm(self) -> tuple[float, ...]:
        """Read the wavelengths in nm of the lasers that are fitted."""
        return self._otdr.wavelengths_nm()

    def set_up(self, settings: OtdrSettings, *, may_clamp: bool = False) -> OtdrSettings:
        """Set the device up, without light."""
        return self._otdr.set_up(settings, may_clamp=may_clamp)

    def start(self) -> None:
        """Begin to measure, with light; StationError, before anything is sent, if it must stay dark."""
        reason = self._why_dark()
        if reason is not None:
            raise StationError(f"{self._name} must not send light: {reason}")
        self._otdr.start()

    def is_running(self) -> bool:
        """Read whether it measures."""
        return self._otdr.is_running()

    def laser_on(self) -> bool:
        """Read whether it sends light."""
        return self._otdr.laser_on()

    def wait(self, deadline_s: float) -> None:
        """Return when it does not measure any more."""
        self._otdr.wait(deadline_s)

    def stop(self) -> None:
        """End the measurement and the light."""
        self._otdr.stop()

    def events(self) -> tuple[OtdrEvent, ...]:
        """Read the table of events."""
        return self._otdr.events()

    def curve(self) -> OtdrCurve:
        """Read the trace."""
        return self._otdr.curve()

    def sor(self) -> bytes:
        """Read trace and events as a `.sor` file."""
        return self._otdr.sor()

    def close(self) -> None:
        """Close the connection; the device goes on."""
        self._otdr.close()
