// Covers over what an instance must not see.
#pragma once

/// Covers a path of the current root: a folder by an empty one that nobody may enter, anything else by a
/// device that cannot be opened. A path that is not there is passed over; so is one with a symbolic link on the way: it
/// was real when it was named, and a link that was laid since would take something else away.
void mask(const char *path);

/// The same for a path that is already open (O_PATH).
void mask_descriptor(int place, const char *path);
