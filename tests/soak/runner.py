"""The runner that is killed: makes the run of a folder, or takes it up where it stands."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from drivers.errors import RecordError
from sweeps.choice import choose
from sweeps.procedures.registry import PROCEDURES
from sweeps.progress import Silent
from sweeps.record.run_record import RunRecord
from sweeps.running.run import resume_procedure, run_procedure


def main(inventory: Path, folder: Path) -> None:
    """Work on the run until it is done."""
    choice = choose(inventory, None, "smoke", "emulator", 1)
    procedure = PROCEDURES["stability"]
    try:
        with RunRecord.open(folder, is_read_only=True) as run:
            if "finished_utc_s" in run.meta():
                return
    except RecordError:
        shutil.rmtree(folder, ignore_errors=True)  # killed before there was a record
        run_procedure(choice, procedure, folder, Silent())
        return
    resume_procedure(choice, procedure, folder, Silent())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
