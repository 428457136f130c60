"""The check of a QKD appliance: certificate, login, who it is, how it is, its clock, how fast it answers.

The login is the one request that is not a GET; it leaves a session there until its token expires. It is
sent only to a server whose certificate is trusted.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from drivers.cerberis_xgr.messages import NAMES
from drivers.cerberis_xgr.web_api import CerberisXgr
from drivers.contact.advice import problem_of_certificate, problem_of_secret
from drivers.contact.found import ClockOffset, Problem
from drivers.contact.steps import latency_of, take_each, take_until_failure
from drivers.wires.https_certificate import read_certificate
from drivers.wires.https_wire import HttpsWire

if TYPE_CHECKING:
    from drivers.cerberis_xgr.web_api import ApplianceState
    from drivers.clock import Clock
    from drivers.contact.found import DeviceContact
    from drivers.facts.connections import WebApiConnection
    from drivers.wires.byte_log import ByteLog


def check_appliance(
    contact: DeviceContact, connection: WebApiConnection, clock: Clock, log: ByteLog
) -> DeviceContact:
    """Look at the certificate and, if it is trusted, log in and ask the appliance for everything."""
    contact = take_each(contact, connection, [lambda it: _certificate(it, connection)])
    contact = _secret(contact, connection)
    if contact.problems:
        return contact
    wire = HttpsWire(contact.name, connection.url, connection.ca_file, clock, connection.deadline_s, log)
    appliance = CerberisXgr(contact.name, wire, connection.user, connection.password, clock)
    with closing(appliance):
        return _ask(contact, appliance, connection, clock)


def _ask(
    contact: DeviceContact, appliance: CerberisXgr, connection: WebApiConnection, clock: Clock
) -> DeviceContact:
    def log_in(contact: DeviceContact) -> DeviceContact:
        appliance.log_in()
        return contact

    def status(contact: DeviceContact) -> DeviceContact:
        status = appliance.status()
        return replace(contact, identity=status.identity).with_readings(
            end=status.end,
            state=status.state,
            protocol=status.protocol,
            wavelength_nm=status.wavelength_nm,
        )

    def clock_and_latency(contact: DeviceContact) -> DeviceContact:
        states: list[ApplianceState] = []
        question = f"GET {NAMES['state_path']}"
        latency = latency_of(question, lambda: states.append(appliance.state()), clock)
        # The shortest round trip tells the offset best.
        best = min(states, key=lambda state: state.round_trip_s)
        offset = ClockOffset(best.clock_offset_s, best.round_trip_s / 2)
        return replace(contact, latency=latency, clock=offset)

    contact = take_until_failure(contact, connection, [log_in, status, clock_and_latency])
    return _compare(contact) if contact.is_reached() else contact


def _certificate(contact: DeviceContact, connection: WebApiConnection) -> DeviceContact:
    shown = read_certificate(contact.name, connection.url, connection.ca_file, connection.deadline_s)
    contact = replace(contact, certificate=shown)
    problem = problem_of_certificate(shown)
    return contact if problem is None else contact.with_problem(problem)


def _secret(contact: DeviceContact, connection: WebApiConnection) -> DeviceContact:
    reference = connection.password
    try:
        reason = "" if reference.read() else f"the password in {reference.env or reference.file} is empty"
    except LookupError as error:
        reason = str(error.args[0])
    except UnicodeDecodeError:
        reason = f"secret file {reference.file}: is not UTF-8 text"
    return contact.with_problem(problem_of_secret(reference, reason)) if reason else contact


def _compare(contact: DeviceContact) -> DeviceContact:
    """Hold what the appliance says of itself against the inventory."""
    assert contact.identity is not None  # noqa: S101 - only called for an appliance that was reached
    model, expected_model = contact.identity.model, NAMES["expected_model"]
    if expected_model.lower() not in model.lower():
        what = f"it says that its model is {model!r}; {expected_model!r} was expected"
        advice = (
            f"is the address right? If it is, correct expected_model (assumed) in {contact.interface.file}"
        )
        contact = contact.with_problem(Problem(what, advice))
    end = contact.readings["end"]
    if end != contact.expected:
        what = f"it says that it is {end!r}; the inventory has {contact.expected!r} at this address"
        advice = "are the addresses of the pair swapped in the inventory?"
        contact = contact.with_problem(Problem(what, advice))
    return contact
