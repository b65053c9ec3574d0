// Who has called for a one-off instance and looks after it: a socket tells both of the other's end.
#pragma once

#include "privileges.h"

/// Reads what the specification says of a caller: where there is none, nothing.
void read_caller(void);

/// Whether there is one: then the standard streams are the caller's, or come from a terminal.
int has_caller(void);

/// In the service: gives it its terminal, if it is to have one; fails where the caller has gone meanwhile.
void meet_caller(const struct identity *identity);

/// In pid 1: keeps the socket, and nothing else of the caller's, at `descriptor`.
void keep_caller(int descriptor);

/// Tells the caller the wait status.
void tell_caller(int status);
