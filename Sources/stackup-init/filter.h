// Which system calls a process may make.
#pragma once

#include "privileges.h"

/// Reads what the specification says of system calls.
void read_filter(struct identity *identity);

/// Takes every way to new privileges from this process, and installs the filter, if there is one, for it and all its children, for ever.
/// May be done beside pid 1 (beside.h).
///
/// \return 0, or a negative errno(3).
long install_filter(const struct identity *identity);
