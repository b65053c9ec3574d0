// stackup-init: pid 1 of every instance, what they are cloned from, and the way into one for `stackup exec`.
// It is told what to do by a specification on descriptor 3; see Runner/Launching/InitSpecification.swift.
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "join.h"
#include "launch.h"
#include "privileges.h"
#include "report.h"
#include "specification.h"
#include "view.h"

enum { CLOSE_RANGE_CLOEXEC_ = 4 };

int main(void) {
    // Before anything else: from here on nobody of the same user can look into this process.
    guard_process();
    prctl(PR_SET_NAME, "stackup-init");
    // Whatever was inherited is for this process alone.
    if (syscall(SYS_close_range, SPECIFICATION_FD, ~0U, CLOSE_RANGE_CLOEXEC_) != 0) fail("close_range", "inherited");
    if (fcntl(SPECIFICATION_FD, F_GETFD) < 0) {
        fputs("stackup-init is started by stackup, with instructions that only it can give; see stackup --help\n", stderr);
        return EXIT_SETUP;
    }
    specification_open();
    if (take_word("view")) view();
    if (take_word("launch")) launch();
    if (take_word("join")) join();
    fail_because("read", "specification", "it asks for something that this version does not know");
}
