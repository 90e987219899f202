"""`make mutants`: takes one condition, fence, lock or sync away at a time, and asks the tests whether they notice.

The mutants are in proofs/mutants/*.toml. Each names a `file`, a text to `find` there (exactly once), what to `replace`
it with, `why` that must not be, and the `tests` (a filter of nextest) of which one has to fail. `targets` says what
cargo builds for them, `programs` that they run the workspace's programs.

Everything happens in a copy of the tree below .mystic/mutants, which is kept, with its builds, for the next time.
With names as arguments, only these mutants. The last line is JSON. Ends with 0 where every mutant was caught.

`mystic mutants` starts this, with a Postgres for all tests and with nextest on the path. `--check` builds and runs
nothing: it says where the list no longer fits the sources, and is part of `make lint`.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRIVATE = ROOT / ".mystic"
TREE = PRIVATE / "mutants"
CARGO = ["--workspace", "--locked"]
SETTINGS = {
    # Histories of a seed that stays, so that a mutant is caught today and tomorrow alike. Any that fails will do.
    "HISTORIES": "2000",
    "HISTORIES_SEED": "1",
    "HISTORIES_SHRINK": "0",
    # Our own crates are built again for each mutant and run for seconds.
    "CARGO_PROFILE_DEV_OPT_LEVEL": "0",
    "CARGO_PROFILE_DEV_DEBUG": "0",
}
KEYS = {"name", "file", "find", "replace", "why", "tests", "targets", "programs"}
# Variables of the `cargo run` that may have started us: ours are not its builds.
OF_CARGO_RUN = ("CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_PRIMARY_", "OUT_DIR")
# Nextest's own exit codes.
PASSED, FAILED = 0, 100


def listed() -> list[dict]:
    found = []
    for path in sorted((ROOT / "proofs" / "mutants").glob("*.toml")):
        table = tomllib.loads(path.read_text())
        found += [{"targets": table["targets"], "programs": False, **mutant} for mutant in table["mutant"]]
    return found


def sources() -> set[str]:
    """What git knows of the tree, new files included."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return {name for name in names if name and (ROOT / name).is_file()}


def problems(mutants: list[dict]) -> list[str]:
    said, seen = [], set()
    tests = "\n".join((ROOT / name).read_text() for name in sources() if name.endswith(".rs"))
    for mutant in mutants:
        name = mutant.get("name", "a mutant without a name")
        if mutant.keys() != KEYS:
            said.append(f"{name}: has {sorted(mutant.keys())} where {sorted(KEYS)} are wanted")
            continue
        if name in seen:
            said.append(f"{name}: is there twice")
        seen.add(name)
        path = ROOT / mutant["file"]
        times = path.read_text().count(mutant["find"]) if path.is_file() else 0
        if times != 1:
            said.append(f"{name}: what it takes away is {times} times in {mutant['file']}, not once")
        named = re.findall(r"test\((\w+)\)", mutant["tests"])
        for test in named or [""]:
            if not test or f"fn {test}" not in tests:
                said.append(f"{name}: {mutant['tests']!r} names no test")
    return said


def copy_tree() -> None:
    """Makes the copy equal to the checkout. Files that are equal already keep their time, for cargo's sake."""
    names = sources()
    for folder, folders, files in os.walk(TREE):
        folders[:] = [name for name in folders if name not in ("target", ".mystic")]
        for file in files:
            path = Path(folder) / file
            if str(path.relative_to(TREE)) not in names:
                path.unlink()
    for name in names:
        content, copy = (ROOT / name).read_bytes(), TREE / name
        if not copy.is_file() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
            shutil.copymode(ROOT / name, copy)
    if not (TREE / "target").exists() and (ROOT / "target").exists():
        print("copying what is built already", flush=True)
        # Into its place in one step, so that half a copy is never taken for a whole one.
        unfinished = TREE / ".mystic" / "target"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.parent.mkdir(exist_ok=True)
        run("cp", "-a", "--reflink=auto", ROOT / "target", unfinished)
        unfinished.rename(TREE / "target")


def run(*command, **options) -> subprocess.CompletedProcess:
    """Runs a program to its end. Interrupted, it is told so and waited for: it has processes of its own to end."""
    # In a group of its own, so that Ctrl-C reaches it once, from here.
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
        process_group=0, **options,
    )
    try:
        said = child.communicate()
    except KeyboardInterrupt:
        os.killpg(child.pid, signal.SIGINT)
        child.communicate()
        raise
    return subprocess.CompletedProcess(command, child.returncode, *said)


def cargo(*arguments: str) -> subprocess.CompletedProcess:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(OF_CARGO_RUN)
    }
    environment["CARGO_TARGET_DIR"] = str(TREE / "target")
    return run("cargo", *arguments, cwd=TREE, env=environment | SETTINGS)


def tested(targets: list[str], tests: str, programs: bool) -> subprocess.CompletedProcess:
    if programs:
        built = cargo("build", *CARGO)
        if built.returncode != 0:
            return built
    return cargo("nextest", "run", *CARGO, "--profile", "mutants", *targets, "-E", tests)


def verdict(mutant: dict) -> tuple[str, str]:
    path = TREE / mutant["file"]
    text = path.read_text()
    path.write_text(text.replace(mutant["find"], mutant["replace"]))
    try:
        told = tested(mutant["targets"], mutant["tests"], mutant["programs"])
    finally:
        path.write_text(text)
    if told.returncode == FAILED:
        by = re.search(r"^ *(?:FAIL|TIMEOUT|SIG\w+|ABORT) \[.*?\] (?:\(.*?\) )?(.*)$", told.stderr, re.MULTILINE)
        return "caught", f"by {by[1]}" if by else ""
    if told.returncode == PASSED:
        return "survived", f"{mutant['why']}, and no test notices"
    return "broken", told.stderr


def baseline(chosen: list[dict]) -> None:
    """What is to notice the mutants has to be content without them."""
    for targets in sorted({tuple(mutant["targets"]) for mutant in chosen}):
        mine = [mutant for mutant in chosen if tuple(mutant["targets"]) == targets]
        tests = " | ".join(sorted({f"({mutant['tests']})" for mutant in mine}))
        told = tested(list(targets), tests, any(mutant["programs"] for mutant in mine))
        if told.returncode != PASSED:
            sys.exit(f"{told.stdout}{told.stderr}\nthe tests fail without any mutant")


def main(arguments: list[str]) -> int:
    mutants = listed()
    if said := problems(mutants):
        print("\n".join(["proofs/mutants no longer fits the sources:", *said]), file=sys.stderr)
        return 1
    if arguments == ["--check"]:
        return 0
    names = {mutant["name"] for mutant in mutants}
    if unknown := sorted(set(arguments) - names):
        sys.exit(f"no such mutants: {', '.join(unknown)}; there are: {', '.join(sorted(names))}")
    chosen = [mutant for mutant in mutants if not arguments or mutant["name"] in arguments]
    # Beside each other what is built alike, so that as little as possible is built again.
    chosen.sort(key=lambda mutant: (mutant["targets"], mutant["file"]))

    TREE.mkdir(parents=True, exist_ok=True)
    with (PRIVATE / "mutants.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("another `make mutants` works in this checkout")
        copy_tree()
        print("the tests without any mutant", flush=True)
        baseline(chosen)
        verdicts = []
        for mutant in chosen:
            began = time.monotonic()
            said, how = verdict(mutant)
            verdicts.append(said)
            print(f"{said:8} {mutant['name']} ({time.monotonic() - began:.0f} s) {how}".rstrip(), flush=True)
    print(json.dumps({"mutants": len(verdicts), "caught": verdicts.count("caught")}))
    return int(verdicts.count("caught") != len(verdicts))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
