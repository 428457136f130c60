"""Any order of driver calls and line faults against a plain model of the DD-100-MC, over a real terminal."""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from drivers.errors import ConnectionLost, DeviceError, GearError, LimitError, NotHomed, ProtocolError
from tests.attenuators.oz_bench import LEFT_AT_DB, OzBench
from tests.attenuators.serial_lab import wait_for_bytes

MAX_DB = 59.0
STEP_DB = 0.0125
MAX_STEPS = round(MAX_DB / STEP_DB)
IN_RANGE_DB = st.integers(0, 5900).map(lambda step: step / 100)
OUTSIDE_DB = st.floats(max_value=-0.001) | st.floats(min_value=59.001) | st.just(math.nan)


class OzMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.bench = OzBench(self.folder)
        self.voa = self.bench.voa
        self.steps: int | None = None
        """Where it stands as it knows; None while it was not homed."""
        self.light_db = LEFT_AT_DB

    def stands_at(self, steps: int) -> None:
        self.steps = steps
        self.light_db = steps * STEP_DB

    @rule(attenuation_db=IN_RANGE_DB)
    def set_attenuation(self, attenuation_db: float) -> None:
        self.voa.set_attenuation_db(attenuation_db)
        self.stands_at(round(attenuation_db / STEP_DB))

    @rule(attenuation_db=OUTSIDE_DB)
    def refuse_attenuation(self, attenuation_db: float) -> None:
        with pytest.raises(LimitError):
            self.voa.set_attenuation_db(attenuation_db)

    @rule(steps=st.integers(0, MAX_STEPS))
    def set_steps(self, steps: int) -> None:
        self.voa.set_position_steps(steps)
        self.stands_at(steps)

    @rule()
    def home(self) -> None:
        self.voa.home()
        self.stands_at(0)

    @rule()
    def restart(self) -> None:
        self.bench.tell("RST")
        self.steps = None

    @rule(is_on=st.booleans())
    def set_echo(self, is_on: bool) -> None:
        self.bench.tell("E1" if is_on else "E0")

    @rule(attenuation_db=IN_RANGE_DB)
    def refuse_by_the_device(self, attenuation_db: float) -> None:
        self.bench.lab.inject("device_error", match="A", value=-7)
        with pytest.raises(DeviceError, match="Motor voltage"):
            self.voa.set_attenuation_db(attenuation_db)
        if self.steps is None:
            self.stands_at(0)  # it was homed for the setting

    @rule(attenuation_db=IN_RANGE_DB)
    def lose_the_port_within_a_setting(self, attenuation_db: float) -> None:
        self.bench.lab.inject("drop", match="D")
        with pytest.raises(ConnectionLost):
            self.voa.set_attenuation_db(attenuation_db)

    @rule(lost=st.integers(1, 3))
    def lose_bytes(self, lost: int) -> None:
        self.bench.lab.inject("lost_bytes", match="D", value=lost)
        with pytest.raises(ProtocolError):
            self.voa.attenuation_db()

    @rule()
    def hear_noise(self) -> None:
        self.bench.lab.inject("garbage", match="D")
        with pytest.raises(ProtocolError):
            self.voa.attenuation_db()

    @rule(noise=st.binary(min_size=1, max_size=20))
    def noise_on_the_idle_line(self, noise: bytes) -> None:
        self.bench.lab.on_line(lambda: self.bench.line.send(noise))
        wait_for_bytes(self.voa._wire, len(noise))

    @rule()
    def hear_nothing(self) -> None:
        self.bench.lab.inject("silence", match="D")
        with self.bench.clock.impatient(), pytest.raises(GearError):
            self.voa.attenuation_db()

    @invariant()
    def reads_what_it_knows(self) -> None:
        if self.steps is None:
            with pytest.raises(NotHomed):
                self.voa.attenuation_db()
        else:
            assert self.voa.attenuation_db() == pytest.approx(self.steps * STEP_DB, abs=0.0051)
            assert self.voa.position_steps() == self.steps

    @invariant()
    def light_follows(self) -> None:
        assert self.bench.link.added_db() == pytest.approx(self.light_db)

    def teardown(self) -> None:
        self.bench.close()
        shutil.rmtree(self.folder)


OzMachine.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=12,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
TestOzDd100 = OzMachine.TestCase
