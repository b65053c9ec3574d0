// A terminal of the instance's own for a command, whose other end somebody outside relays.
#pragma once

#include "privileges.h"

/// The caller's terminal as far as the new one takes after it.
struct terminal_size {
    unsigned short rows, columns;
};

/// Makes the calling process, which leads a session, have a terminal from the instance's devpts as its standard streams, and sends the
/// master over `socket`.
///
/// `size`: NULL: who gets the master sets it, and is waited for until the socket is closed.
void open_terminal(const struct identity *identity, int socket, const struct terminal_size *size);
