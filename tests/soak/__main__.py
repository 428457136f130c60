"""`python -m tests.soak`: kill a run and its lab again and again; nothing may be lost or doubled."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.soak.killing import Soak, measured_rows, unbroken_run

REPORT = Path("reports") / "soak.json"


def main() -> None:
    """Run the soak and print what came of it; exit status 1 if a row differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=60_000)
    parser.add_argument("--runner-kills", type=int, default=200)
    parser.add_argument("--lab-kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1, help="of the moments at which is killed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        soak = Soak(Path(place), options.records, options.seed)
        kills = soak.run(options.runner_kills, options.lab_kills)
        found = measured_rows(soak.folder)
        wanted = measured_rows(unbroken_run(Path(place) / "unbroken", options.records))
    differing = sum(one != other for one, other in zip(found, wanted, strict=False))
    result = {
        **kills,
        "records": len(found),
        "wanted": len(wanted),
        "lost": len(set(wanted) - set(found)),
        "doubled": len(found) - len(set(found)),
        "differing": differing,
    }
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))  # noqa: T201 - this is the output
    if found != wanted or len(wanted) != options.records:  # a gap is a row too
        sys.exit(1)


if __name__ == "__main__":
    main()
