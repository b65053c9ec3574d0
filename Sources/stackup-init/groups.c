#include "groups.h"

#include <errno.h>
#include <unistd.h>

#include "report.h"
#include "specification.h"

struct groups take_groups(void) {
    struct groups groups = {0};
    if (!take_word("groups")) return groups;
    groups.first = (int)next_number();
    groups.count = (unsigned)next_number();
    return groups;
}

void enter_groups(struct groups groups) {
    for (unsigned i = 0; i < groups.count; i++) {
        int group = groups.first + (int)i;
        if (write(group, "0", 1) != 1) {
            if (errno == EACCES || errno == EPERM)
                fail_because("join", "cgroup", "this process may not move into the instance's group; run the command in the scope that the stack was started in");
            fail("join", "cgroup");
        }
        close(group);
    }
}
