"""Which processes there are, for those who look for a peer's."""

from pathlib import Path


def tree():
    """The name of each process, and the children of each, by their ids."""
    names, children = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except OSError:
                continue
            name, _, rest = text.partition("(")[2].rpartition(")")
            names[int(entry.name)] = name
            children.setdefault(int(rest.split()[1]), []).append(int(entry.name))
    return names, children


def family(pid):
    """A process, and all that have come from it."""
    _, children = tree()
    found, pending = set(), [pid]
    while pending:
        found.add(pid := pending.pop())
        pending += children.get(pid, [])
    return found


def mentions(pid, text):
    """Whether its command line has that text in it."""
    try:
        return str(text).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
