"""What a run record says of its run, and the way back from there to a run that can be taken up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from drivers.clock import utc_now_s
from drivers.errors import RecordError
from drivers.facts.checked_yaml import read_checked
from drivers.facts.inventory import Inventory
from sweeps.choice import choose
from sweeps.record.provenance import provenance, sha256_of
from sweeps.running.lab_process import INVENTORY_NAME

if TYPE_CHECKING:
    from sweeps.choice import Choice
    from sweeps.procedures.registry import Procedure
    from sweeps.record.run_record import RunRecord

_STEERING = ("procedure", "base_folder", "station", "plan_name", "target", "seed")


def meta_of(choice: Choice, procedure: Procedure) -> dict[str, Any]:
    """Return the facts of a run that begins."""
    is_emulated = choice.target == "emulator"
    return {
        "procedure": procedure.name,
        **frozen_facts(choice),
        "plan_sha256": sha256_of(plan_json(choice).encode()),
        "station_title": choice.station.title,
        "inventory_path": str(choice.inventory_path.resolve()),
        "base_folder": str(choice.base_folder.resolve()),
        "profile": choice.station.emulation.profile if is_emulated else None,
        "fidelity": choice.station.emulation.fidelity if is_emulated else None,
        "fibre": choice.station.fibre.model_dump(mode="json"),
        "reference": choice.station.reference.model_dump(mode="json"),
        "records_planned": procedure.record_count(choice.plan, choice.station),
        "started_utc_s": utc_now_s(),
        "provenance": provenance_of(choice),
    }


def frozen_facts(choice: Choice) -> dict[str, Any]:
    """Return what must stay the same for a run to be taken up.

    Addresses may change, since gear says who it is; but not which of the devices behind one address it is,
    since all of them give the same answer.
    """
    station = choice.station.model_dump(mode="json")
    for gear in station["gear"].values():
        connection = gear.pop("lab")
        if connection is not None and "device" in connection:
            gear["device"] = connection["device"]
    return {
        "plan_name": choice.plan_name,
        "plan": choice.plan.model_dump(mode="json"),
        "station": choice.station_name,
        "station_facts": station,
        "target": choice.target,
        "seed": choice.seed,
    }


def provenance_of(choice: Choice) -> dict[str, Any]:
    """Return the provenance of a process that works on a run of `choice`."""
    return provenance(choice.inventory_path, choice.inventory_bytes, choice.limits_path)


def plan_json(choice: Choice) -> str:
    """Return the plan as it is frozen and hashed."""
    return choice.plan.model_dump_json()


def as_it_is_now(choice: Choice, run: RunRecord) -> Choice | None:
    """Return `choice` with its station as the inventory has it now from which `run` was made.

    None if that file is gone, cannot be read or has no such station any more.
    """
    path = run.meta().get("inventory_path")
    content = None if path is None else read_checked(Path(path), Inventory).value
    station = None if content is None else content.stations.get(choice.station_name)
    return None if station is None else replace(choice, station=station)


def choice_of_run(folder: Path, run: RunRecord, inventory: Path | None = None) -> Choice:
    """Return what a run was made with: by its own copy of the inventory, or by `inventory` as it is now.

    RecordError for a record that does not tell.
    """
    meta = run.meta()
    untold = [key for key in _STEERING if key not in meta]
    if untold:
        raise RecordError(f"run {folder.name} does not tell its {', '.join(untold)}; start it anew")
    base_folder = Path(cast("str", meta["base_folder"]))
    if inventory is None:
        inventory = folder / INVENTORY_NAME
    else:
        base_folder = inventory.parent
    return choose(
        inventory,
        meta["station"],
        meta["plan_name"],
        meta["target"],
        meta["seed"],
        base_folder=base_folder,
    )
