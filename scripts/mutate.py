#!/usr/bin/env python3
"""Plants each defect of Tests/defects.toml, one at a time, and runs the suites that must notice it.

Works on a copy of the last commit below .build/mutation, so the checkout is never touched and each build is
incremental. Ends with a table; the status is 1 when a defect survived or could not be planted.

    scripts/mutate.py                 all of them
    scripts/mutate.py commit lease    those whose name contains a word
    scripts/mutate.py --check         only whether each can be planted in the code as it stands
"""

import io
import os
import pathlib
import signal
import subprocess
import sys
import tarfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
COPY = ROOT / ".build" / "mutation" / "tree"
SCRATCH = ROOT / ".build" / "mutation" / "build"
BUILD_LIMIT = 1200
TEST_LIMIT = 600


def run(command, limit):
    """The command's status and output; a status of None when it did not end in time and was killed with its children."""
    process = subprocess.Popen(
        command, cwd=COPY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    try:
        output, _ = process.communicate(timeout=limit)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        # The test process is in a group of its own, so that no signal to ours reaches it.
        for pid in [*descendants(process.pid), process.pid]:
            os.kill(pid, signal.SIGKILL)
        output, _ = process.communicate()
        return None, output


def descendants(pid):
    """The children of a process, and theirs; the youngest first."""
    for thread in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, thread.read_text().split()):
            yield from descendants(child)
            yield child


def lay_out():
    """Brings the copy to the last commit, touching only what differs, so that the build stays incremental."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    wanted = set()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar.getmembers():
            path = COPY / member.name
            if member.isfile():
                wanted.add(path)
                content = tar.extractfile(member).read()
                if not path.is_file() or path.read_bytes() != content:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
                    path.chmod(member.mode)
            elif member.issym():
                wanted.add(path)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                path.symlink_to(member.linkname)
    for path in COPY.rglob("*"):
        if not path.is_dir() and path not in wanted:
            path.unlink()


def build():
    return run(["swift", "build", "--build-tests", "--scratch-path", str(SCRATCH)], BUILD_LIMIT)


def test(suites, limit):
    return run(
        ["swift", "test", "--skip-build", "--no-parallel", "--scratch-path", str(SCRATCH), "--filter", suites], limit)


def limits(chosen):
    """Runs the suites of the chosen defects without any; for each, how long a run with a defect may take: three times as
    long and half a minute, after which it counts as hanging."""
    found = {}
    for suites in sorted({defect["suites"] for defect in chosen}):
        start = time.monotonic()
        status, output = test(suites, TEST_LIMIT)
        if status != 0:
            sys.exit(f"the suites {suites} fail without a defect:\n{output[-2000:]}")
        taken = time.monotonic() - start
        found[suites] = 30 + 3 * taken
        print(f"        no defect       {taken:4.0f} s  {suites}", flush=True)
    return found


KEYS = {"name", "file", "find", "replace", "suites"}


def planted(defect, source):
    if defect.keys() != KEYS:
        return None, f"a defect has the keys {', '.join(sorted(KEYS))}"
    count = source.count(defect["find"])
    if count != 1:
        return None, f"the text to replace occurs {count} times in {defect['file']}"
    return source.replace(defect["find"], defect["replace"]), None


def verdict(defect, limit):
    """What became of one defect: `caught`, `survived`, or why it could not be tried; and the first failing test."""
    path = COPY / defect["file"]
    source = path.read_text()
    changed, problem = planted(defect, source)
    if problem:
        return "not planted", problem
    path.write_text(changed)
    try:
        status, output = build()
        if status != 0:
            return "does not build", next((line for line in output.splitlines() if "error:" in line), "no message")
        status, output = test(defect["suites"], limit)
        if status == 0:
            return "survived", f"suites: {defect['suites']}"
        if status is None:
            return "caught", "the tests did not end"
        failed = [line for line in output.splitlines() if "recorded an issue" in line]
        first = failed[0].split("Test ", 1)[-1][:110] if failed else "the test process died"
        return "caught", first
    finally:
        path.write_text(source)


def check(defects):
    """Ends with 1 and says which defects no longer fit the code."""
    problems = [
        f"{defect['name']}: {problem}" for defect in defects
        if (problem := planted(defect, (ROOT / defect["file"]).read_text())[1])]
    for problem in problems:
        print(f"Tests/defects.toml: {problem}; move it with the code", file=sys.stderr)
    sys.exit(1 if problems else 0)


def main():
    defects = tomllib.loads((ROOT / "Tests" / "defects.toml").read_text())["defect"]
    if sys.argv[1:] == ["--check"]:
        check(defects)
    words = sys.argv[1:]
    chosen = [defect for defect in defects if not words or any(word in defect["name"] for word in words)]
    if not chosen:
        sys.exit("no defect has such a name; Tests/defects.toml lists them")
    lay_out()
    status, output = build()
    if status != 0:
        sys.exit(f"the tests do not build without a defect:\n{output[-2000:]}")
    allowed = limits(chosen)
    rows = []
    for number, defect in enumerate(chosen, 1):
        start = time.monotonic()
        result, note = verdict(defect, allowed[defect["suites"]])
        rows.append((defect["name"], result, note))
        print(f"{number:3}/{len(chosen)} {result:15} {time.monotonic() - start:4.0f} s  {defect['name']}", flush=True)
    print("\n| Defect | | Noticed by |\n|---|---|---|")
    for row in rows:
        print("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    bad = [row for row in rows if row[1] != "caught"]
    print(f"\n{len(rows) - len(bad)} of {len(rows)} caught")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
