#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "report.h"

/// Sends the terminal's master to the command that relays it.
static void send_master(int master, int socket) {
    char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &master, sizeof master);
    // Nobody has sent anything before: there is room for it.
    if (sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) != 1) fail("sendmsg", "terminal");
}

void open_terminal(const struct identity *identity, int socket, const struct terminal_size *size) {
    int master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    int unlocked = 0;
    if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) != 0) fail("open", "/dev/pts/ptmx");
    int terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0) fail("open", "terminal");
    if (identity->uid != geteuid() && fchown(terminal, identity->uid, (gid_t)-1) != 0) fail("chown", "terminal");
    if (size != NULL) {
        struct winsize window = {.ws_row = size->rows, .ws_col = size->columns};
        if (ioctl(master, TIOCSWINSZ, &window) != 0) fail("TIOCSWINSZ", "terminal");
    }
    send_master(master, socket);
    close(master);
    // Until it has the caller's size, and somebody reads there.
    char byte;
    if (size == NULL)
        while (read(socket, &byte, sizeof byte) < 0 && errno == EINTR) continue;
    if (ioctl(terminal, TIOCSCTTY, 0) != 0) fail("TIOCSCTTY", "terminal");
    for (int descriptor = 0; descriptor < 3; descriptor++)
        if (dup2(terminal, descriptor) < 0) fail("dup2", "terminal");
}
