#include "caller.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "report.h"
#include "specification.h"
#include "terminal.h"

static int caller = -1, has_terminal;
static struct terminal_size size;

void read_caller(void) {
    if (!take_word("caller")) return;
    caller = (int)next_number();
    has_terminal = take_word("terminal");
    if (!has_terminal) return;
    size.rows = (unsigned short)next_number();
    size.columns = (unsigned short)next_number();
}

int has_caller(void) { return caller >= 0; }

void meet_caller(const struct identity *identity) {
    struct pollfd state = {.fd = caller};
    // What was asked for before a wait may not be wanted any more.
    if (poll(&state, 1, 0) != 0) fail_because("start", "command", "whoever asked for it is gone");
    if (!has_terminal) return;
    // The terminal becomes that of a session.
    if (setsid() < 0) fail("setsid", "command");
    open_terminal(identity, caller, &size);
}

void keep_caller(int descriptor) {
    // Its end of a pipe, held open here, would keep the other end waiting.
    close(STDIN_FILENO);
    if (dup3(caller, descriptor, O_CLOEXEC) < 0) fail("dup3", "caller");
    caller = descriptor;
}

void tell_caller(int status) {
    if (has_caller()) (void)!send(caller, &status, sizeof status, MSG_NOSIGNAL | MSG_DONTWAIT);
}
