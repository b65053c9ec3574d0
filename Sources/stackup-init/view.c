// The host as instances may see it, once for all that are launched at one moment (Runner/Launching/HostView.swift).
#include "view.h"

#include <sys/stat.h>
#include <unistd.h>

#include "masks.h"
#include "mountpoint.h"
#include "root.h"
#include "specification.h"

_Noreturn void view(void) {
    umask(0);
    unprivileged = take_word("unprivileged");
    int writable = take_word("writable");
    // No service has a hand in what is resolved here: masks that may lead through no link say so.
    trusts_links = 1;
    // Before anything is copied from the host's tree, so that whatever way leads there is covered.
    for (;;) {
        if (take_word("mask")) {
            mask(next_text(), 1);
        } else if (take_word("mask-itself")) {
            mask(next_text(), 0);
        } else {
            break;
        }
    }
    open_root();
    build_root(writable);
    // What mounts may name: instances open these in the host's tree, where they are not covered.
    while (take_word("hide")) hide_in_root(next_text());
    while (take_word("processes")) hide_processes_in_root(next_text());
    seal_own_filesystems();
    _exit(0);
}
