"""`scripts/bench NAME`: measure, print the table, and keep it under `var/bench/`."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.benches import awards, guide, hangups, imports, matching, postings, push, referral, sign_in
from scripts.benches.load import LoadError
from scripts.benches.processes import ROOT
from scripts.benches.rounds import Effort

BENCHES = {
    "awards": awards,
    "guide": guide,
    "hangups": hangups,
    "imports": imports,
    "matching": matching,
    "postings": postings,
    "push": push,
    "referral": referral,
    "sign_in": sign_in,
}
KEPT = ROOT / "var" / "bench"
INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Run what `arguments` name; the exit code says whether it ran, never what it found."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.bench == "all" and options.json:
        parser.error("--json takes one bench: each writes a file of its own")
    if options.bench is None:
        print("\n".join(f"{name:8}  {bench.SUMMARY}" for name, bench in BENCHES.items()))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # which event loops know
    names = list(BENCHES) if options.bench == "all" else [options.bench]
    try:
        for name in names:
            _measure(name, Effort(options.rounds, options.seconds, options.rows), options.json)
    except KeyboardInterrupt:
        return INTERRUPTED
    except LoadError as error:
        print(f"scripts/bench stopped: {error}", file=sys.stderr)
        return 1
    return 0


def _measure(name: str, effort: Effort, json_file: Path | None) -> None:
    report = BENCHES[name].run(effort)
    report.write(json_file or KEPT / f"{name}.json", KEPT / f"{name}.md")
    print(report.markdown(), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("bench", nargs="?", choices=[*BENCHES, "all"], help="without one: list them")
    parser.add_argument("--rounds", type=_at_least_one, default=Effort.rounds, help="of each server and row")
    parser.add_argument("--seconds", type=float, default=Effort.seconds, help="of one round")
    parser.add_argument("--rows", type=_at_least_one, default=Effort.rows, help="of postings")
    parser.add_argument("--json", type=Path, help="instead of var/bench/NAME.json")
    return parser


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
