"""Everything that can go wrong on a bench, as one tree.

    BenchError
    ├── InventoryError      the inventory, a plan or a limits file is wrong
    ├── LimitError          a value was refused before it was sent
    ├── GearError           an exchange with one device failed
    │   ├── TransportError      the wire failed
    │   │   ├── TransportTimeout    no complete answer by the deadline
    │   │   └── ConnectionLost      refused, reset, closed, or not trusted
    │   ├── ProtocolError       an answer came and could not be understood
    │   ├── DeviceError         the device understood and said no
    │   ├── NotHomed            a device that does not know where it stands
    │   ├── SettingNotTaken     the device took another value than it was told
    │   ├── DeviceBusy          somebody else uses the device
    │   ├── AcquisitionBroken   a measurement did not begin, or ended before its time
    │   ├── Underload           less light than a power meter measures
    │   └── Overload            more light than a power meter measures
    ├── RecordError         the run record cannot be written or read
    ├── StationError        gear that is missing, a role that nobody fills
    │   └── OperatorAbort       a person was asked to do something and said no
    ├── LabError            the emulated lab refused, or is gone
    ├── NotAllowed          a run that nobody has allowed; in sweeps/running/permission.py
    └── ResumeRefused       a run of other devices or another plan; in sweeps/running/run.py

A device under test that performs badly is a verdict and never one of these.
"""

from __future__ import annotations


class BenchError(Exception):
    """Root of all errors of the bench."""


class InventoryError(BenchError):
    """The inventory (or a plan, or a limits file) has mistakes; `mistakes` holds one line for each."""

    def __init__(self, source: str, mistakes: list[str]) -> None:
        self.source = source
        self.mistakes = mistakes
        count = f"{len(mistakes)} mistake{'s' if len(mistakes) != 1 else ''}"
        super().__init__("\n  ".join([f"{source}: {count}", *mistakes]))


class LimitError(BenchError):
    """A setting lies outside a device or station limit and was not sent."""


class GearError(BenchError):
    """An exchange with one device failed; says which device, what was asked, and after how long."""

    def __init__(self, device: str, command: str, problem: str, elapsed_s: float | None = None) -> None:
        self.device = device
        self.command = command
        self.problem = problem
        self.elapsed_s = elapsed_s
        after = "" if elapsed_s is None else f" (after {elapsed_s:.3g} s)"
        super().__init__(f"{device}: {command!r}: {problem}{after}")


class TransportError(GearError):
    """The wire failed."""


class TransportTimeout(TransportError):
    """No complete answer came by the deadline."""


class ConnectionLost(TransportError):
    """The connection was refused, reset, closed, or its certificate not trusted."""


class ProtocolError(GearError):
    """An answer came and could not be understood."""


class DeviceError(GearError):
    """The device understood the request and refused it, with its own code and text."""

    def __init__(self, device: str, command: str, code: int, text: str) -> None:
        self.code = code
        self.text = text
        super().__init__(device, command, f"device error {code}: {text}")


class NotHomed(GearError):
    """A device does not know where it stands until it is set or sent home; nothing is wrong with it."""


class SettingNotTaken(GearError):
    """The device took other values than it was told and said nothing, as it does where settings clamp."""


class DeviceBusy(GearError):
    """The device measures already, or somebody else has set it up meanwhile."""


class AcquisitionBroken(GearError):
    """A measurement did not begin, ended before its time, or what lies on the device is another one's."""


class Underload(GearError):
    """Less light than a power meter measures: often a shutter that blocks, or a source that is off."""


class Overload(GearError):
    """More light than a power meter measures."""


class LabError(BenchError):
    """The emulated lab refused a request, ended, or could not be started."""


class StationError(BenchError):
    """A station cannot be used as it is: gear that does not answer, a role that nobody fills."""


class OperatorAbort(StationError):
    """The operator was asked to do something by hand and did not do it; how far they got is not known."""


class RecordError(BenchError):
    """The run record cannot be written or read: disk full, folder read-only, not a record."""
