// Control groups that a process joins by itself.
#pragma once

/// Descriptors of `cgroup.procs` files, in a row.
struct groups {
    int first;
    unsigned count;
};

/// Takes them from the specification, if it has any.
struct groups take_groups(void);

/// Moves this process into each. In v1 that may take milliseconds, which nobody but this process waits for.
void enter_groups(struct groups groups);
