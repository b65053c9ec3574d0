"""What there is on the host. The soak has process ids and mounts of its own, so all that is there is the stack's or a leak."""

import os
from pathlib import Path


def processes():
    """Every process but this one and its threads: its id, parent, state and name."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            text = (entry / "stat").read_text()
        except OSError:
            continue
        name, rest = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
        pid = int(entry.name)
        if pid not in (1, os.getpid()):
            found[pid] = (int(rest[1]), rest[0], name)
    return found


def description(pid):
    """What a process is, for who looks for why it is there."""
    def read(name):
        try:
            return Path(f"/proc/{pid}/{name}").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return "?"

    try:
        descriptors = sorted({os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")})
    except OSError:
        descriptors = []
    return f"{read('cmdline')}; waits in {read('wchan')}; has {', '.join(descriptors[:12])}"


def zombies():
    return {pid for pid, (parent, state, _) in processes().items() if state == "Z" and parent not in (1, os.getpid())}


def mounts():
    return Path("/proc/self/mountinfo").read_text().count("\n")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory(pid):
    """In MB; pages that are shared count in part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def groups(name):
    """Control groups that were made for a stack."""
    return [path for path in Path("/sys/fs/cgroup").rglob(f"*{name}*") if path.is_dir()]


def files(folder):
    return [path for path in folder.rglob("*") if not path.is_dir()] if folder.exists() else []
