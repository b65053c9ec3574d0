// The one interface of a network namespace of one's own.
#pragma once

/// Sets it going: it is there from the beginning, and down.
void raise_loopback(void);
