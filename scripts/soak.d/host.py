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


def orphans(name):
    """Those of this name that have lost their parent: an instance's pid 1 has them now."""
    found = processes()
    return {pid for pid, (parent, _, own) in found.items() if own == name and found.get(parent, (0, "", ""))[2] == "stackup-init"}


def mounts():
    """The places of all mounts, by their ids."""
    return {words[0]: words[4] for words in map(str.split, Path("/proc/self/mountinfo").read_text().splitlines())}


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory(pid):
    """In MB: all of it, of which pages that are shared count in part, and what it has written itself, whoever else runs the same program."""
    kilobytes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, value = line.partition(":")
        kilobytes[name] = int(value.split()[0])
    return kilobytes["Pss"] / 1024, kilobytes["Anonymous"] / 1024


def groups(name):
    """Control groups that were made for a stack."""
    return [path for path in Path("/sys/fs/cgroup").rglob(f"*{name}*") if path.is_dir()]


def files(folder):
    return [path for path in folder.rglob("*") if not path.is_dir()] if folder.exists() else []
