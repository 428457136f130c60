"""What was found, as rows of a label and a text for people; what a device says is made printable."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from drivers.contact.summary import BROUGHT_LATER
from drivers.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from drivers.contact.found import DeviceContact, Problem
    from drivers.facts.names import NameEntry
    from drivers.wires.https_certificate import ShownCertificate

Row = tuple[str, str]

_FEW = 6
"""So many entries of a names file are listed unasked."""
_DAY_S = 86_400
_HALF_A_FINGERPRINT = 48
_UNITS = {"_db": "dB", "_nm": "nm"}


def title_of(contact: DeviceContact) -> str:
    """Return the device's name, what the inventory has it for, and its address."""
    what = contact.driver if contact.expected == contact.name else f"{contact.expected}, {contact.driver}"
    return printable(f"{contact.name} ({what}) at {contact.address}")


def rows_of(contact: DeviceContact, now_s: float, *, is_verbose: bool) -> list[Row]:
    """Return everything about one device; `now_s` is the time in s since the Unix epoch."""
    rows = [
        ("reached", _reached(contact)),
        *problem_rows(contact.problems),
        *_identity_rows(contact),
        *_reading_rows(contact),
        *_time_rows(contact),
        *([] if contact.certificate is None else _certificate_rows(contact.certificate, now_s)),
        *_interface_rows(contact, is_verbose=is_verbose),
    ]
    return [(label, printable(text)) for label, text in rows]


def problem_rows(problems: Iterable[Problem]) -> list[Row]:
    """Return each problem with what to do about it."""
    return [row for problem in problems for row in (("problem", problem.what), ("to do", problem.advice))]


def _reached(contact: DeviceContact) -> str:
    if contact.is_brought_later:
        return f"no; {BROUGHT_LATER}"
    if not contact.is_reached():
        return "no"
    return "yes, as the inventory says" if contact.is_as_expected() else "yes, but see the problem"


def _identity_rows(contact: DeviceContact) -> list[Row]:
    identity = contact.identity
    if identity is None:
        return []
    who = f"{identity.vendor}, {identity.model}, serial {identity.serial}, firmware {identity.firmware}"
    return [("identity", who)]


def _reading_rows(contact: DeviceContact) -> list[Row]:
    rows: list[Row] = []
    for name, value in contact.readings.items():
        unit = _UNITS.get(name[-3:])
        if unit is None:
            rows.append((name, str(value)))
        else:
            rows.append((name[:-3], f"{value:g} {unit}"))
    return rows


def _time_rows(contact: DeviceContact) -> list[Row]:
    rows: list[Row] = []
    if contact.clock is not None:
        offset = f"{_seconds(contact.clock.offset_s, sign='+')} ± {_seconds(contact.clock.uncertainty_s)}"
        rows.append(("clock", f"{offset} beside this host's"))
    if contact.latency is not None:
        times = f"median {_seconds(contact.latency.median_s)}, worst {_seconds(contact.latency.worst_s)}"
        rows.append(("latency", f"{times} (n = {contact.latency.count}, {contact.latency.question})"))
    return rows


def _certificate_rows(shown: ShownCertificate, now_s: float) -> list[Row]:
    certificate = shown.certificate
    trusted = "trusted" if shown.distrust is None else f"NOT TRUSTED: {shown.distrust.reason}"
    issuer = "itself (self-signed)" if certificate.is_self_signed else certificate.issuer
    days = (certificate.valid_to_s - now_s) / _DAY_S
    left = f"{days:.0f} days left" if days >= 0 else f"EXPIRED {-days:.0f} days ago"
    first, second = certificate.sha256[:_HALF_A_FINGERPRINT], certificate.sha256[_HALF_A_FINGERPRINT:]
    return [
        ("certificate", trusted),
        ("  subject", certificate.subject or "none"),
        ("  issuer", issuer or "none"),
        ("  names", ", ".join(certificate.names) or "none"),
        ("  valid", f"{_date(certificate.valid_from_s)} to {_date(certificate.valid_to_s)}, {left}"),
        ("  SHA-256", first),
        ("", second),
    ]


def _interface_rows(contact: DeviceContact, *, is_verbose: bool) -> list[Row]:
    entries = contact.interface.names.entries
    unproven = contact.interface.names.unproven()
    assumed = sum(entry.status == "assumed" for entry in unproven.values())
    is_listed = is_verbose or (contact.is_reached() and len(unproven) <= _FEW)
    where = contact.interface.file if is_listed else f"{contact.interface.file}; --verbose lists them"
    count = f"{assumed} of {len(entries)} names assumed, {len(unproven) - assumed} inferred ({where})"
    listed = [("", _entry_line(key, entry)) for key, entry in unproven.items() if is_listed]
    return [("interface", count), *listed]


def _entry_line(key: str, entry: NameEntry) -> str:
    return f"{entry.status} {key} {entry.name!r}: {entry.source}"


def _seconds(duration_s: float, sign: str = "") -> str:
    if abs(duration_s) < 10:
        return f"{duration_s * 1e3:{sign}.3g} ms" if abs(duration_s) < 1 else f"{duration_s:{sign}.2f} s"
    return f"{duration_s:{sign}.0f} s"


def _date(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).date().isoformat()
