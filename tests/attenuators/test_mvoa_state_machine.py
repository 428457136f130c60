"""Any order of driver calls and wire faults against a plain model of the mVOA, over a real socket."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from drivers.attenuators.viavi_mvoa import open_viavi_mvoa
from drivers.errors import ConnectionLost, DeviceError, LimitError, ProtocolError
from drivers.facts.connections import VisaSocketConnection
from drivers.facts.defects import MvoaDefects
from drivers.wires.byte_log import NO_LOG
from emulators.attenuators.viavi_mvoa import EmulatedMvoa
from emulators.plant.link import Link
from tests.attenuators.scpi_lab import LabThread, ThreadClock, resource

LINK_NM = 1550.0
IN_RANGE_DB = st.integers(0, 70_000).map(lambda step: step / 1000)
IN_RANGE_NM = st.integers(1_260_000, 1_650_000).map(lambda step: step / 1000)
OUTSIDE_DB = st.floats(max_value=-0.001) | st.floats(min_value=70.001) | st.just(math.nan)


class MvoaMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.lab = LabThread()
        self.clock = ThreadClock(self.lab)
        self.link = Link(self.lab.clock.now_s, LINK_NM)
        device = EmulatedMvoa("voa", self.link, self.lab.clock, MvoaDefects())
        port = self.lab.serve(device).port
        connection = VisaSocketConnection(resource=resource(port))
        self.voa = open_viavi_mvoa("voa", connection, self.clock, NO_LOG)
        self.attenuation_db = 0.0
        self.is_open = False
        self.wavelength_nm = LINK_NM

    @rule(attenuation_db=IN_RANGE_DB)
    def set_attenuation(self, attenuation_db: float) -> None:
        self.voa.set_attenuation_db(attenuation_db)
        self.attenuation_db = attenuation_db

    @rule(attenuation_db=OUTSIDE_DB)
    def refuse_attenuation(self, attenuation_db: float) -> None:
        with pytest.raises(LimitError):
            self.voa.set_attenuation_db(attenuation_db)

    @rule(attenuation_db=IN_RANGE_DB)
    def fail_to_set_attenuation(self, attenuation_db: float) -> None:
        self.lab.inject("device_error", match=":OUTP:ATT 1", value=-240)
        with pytest.raises(DeviceError):
            self.voa.set_attenuation_db(attenuation_db)

    @rule(is_open=st.booleans())
    def set_shutter(self, is_open: bool) -> None:
        self.voa.set_shutter_open(is_open)
        self.is_open = is_open

    @rule(wavelength_nm=IN_RANGE_NM)
    def set_wavelength(self, wavelength_nm: float) -> None:
        self.voa.set_wavelength_nm(wavelength_nm)
        self.wavelength_nm = wavelength_nm

    @rule(is_open=st.booleans())
    def lose_a_setting(self, is_open: bool) -> None:
        self.lab.inject("drop", match=":OUTP:BBL 1")
        with pytest.raises(ConnectionLost):
            self.voa.set_shutter_open(is_open)

    @rule()
    def read_garbage(self) -> None:
        self.lab.inject("garbage")
        with pytest.raises(ProtocolError):
            self.voa.attenuation_db()

    @invariant()
    def reads_back(self) -> None:
        assert self.voa.attenuation_db() == self.attenuation_db
        assert self.voa.shutter_open() is self.is_open
        assert self.voa.wavelength_nm() == self.wavelength_nm

    @invariant()
    def light_follows(self) -> None:
        if not self.is_open:
            assert self.link.added_db() == math.inf
            return
        mismatch_nm = self.wavelength_nm - LINK_NM
        expected_db = self.attenuation_db * (1 + 4e-4 * mismatch_nm)
        assert self.link.added_db() == pytest.approx(expected_db, abs=1e-9)

    def teardown(self) -> None:
        self.voa.close()
        self.lab.close()


MvoaMachine.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=12,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestMvoa = MvoaMachine.TestCase
