// Covers over what an instance must not see.
#pragma once

/// Covers a path of the current root: a folder by an empty one that nobody may enter, anything else by a
/// device that cannot be opened. A path that is not there is passed over; so is one with a symbolic link on the way: it
/// was real when it was named, and a link that was laid since would take something else away.
void mask(const char *path);

/// Covers a path of the host's tree and of the new root, unless a cover lies there: what was covered when these were made may have been
/// replaced since.
/// - Parameter is_in_root: whether the two are one.
void mask_again(const char *path, int is_in_root);

/// Leaves a cover on a folder of the new root, for instances to copy: to make a filesystem costs more.
void leave_cover(const char *name);

/// Takes a copy of it for a pattern.
void take_cover(const char *name);

/// Covers what is open (O_PATH), unless it is a cover, and closes it; -1 is passed over.
void cover(int place, const char *path);

/// The same for a path that is already open (O_PATH).
void mask_descriptor(int place, const char *path);

/// Whether what is open is of a mount of processes (proc(5)).
int is_processes(int place);

/// Covers a path where a mount of processes lies there; anything else stays.
void mask_processes(const char *path);
