"""See that every distribution of this repository says the type of everything public, and has a docstring for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Ask basedpyright about each package that has types to offer."""
    packages = [ROOT / "fcall", *sorted(path.parent for path in ROOT.glob("plugins/[!_]*/*/py.typed"))]
    faults = [fault for package in packages for fault in _faults(package)]
    print("\n".join(faults) or "complete")
    sys.exit(bool(faults))


def _faults(package: Path) -> list[str]:
    """What of a package has no certain type, or no docstring."""
    # --ignoreexternal: the vendors' SDKs have no types, and are not installed here.
    # --project: or else a configuration of some directory above would rule.
    options = ["--verifytypes", package.name, "--ignoreexternal", "--outputjson", "--project", str(ROOT)]
    command = [sys.executable, "-m", "basedpyright", *options]
    paths = os.pathsep.join([str(ROOT), str(package.parent)])
    finished = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, encoding="utf-8", check=False
    )
    report = json.loads(finished.stdout)["typeCompleteness"]
    if Path(report["packageRootDirectory"]) != package:
        return [f"{package.name} was found in {report['packageRootDirectory']}"]
    print(f"{package.name}: {report['completenessScore']:.1%} of {sum(report['exportedSymbolCounts'].values())} names")
    unsure = [each["name"] for each in report["symbols"] if not each["isTypeKnown"] or each["isTypeAmbiguous"]]
    undocumented = report["missingFunctionDocStringCount"] + report["missingClassDocStringCount"]
    return [
        *(f"{name} has no certain type" for name in unsure),
        *([f"{package.name}: {undocumented} functions and classes have no docstring"] if undocumented else []),
    ]


if __name__ == "__main__":
    main()
