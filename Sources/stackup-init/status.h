// The status that pid 1 of an instance leaves for a supervisor that is not its parent any more.
#pragma once

/// Makes sure that there can be one: to be called before the service is there. The file says by then that there is none yet.
void status_open(void);

/// Leaves the wait status.
void status_record(int status);
