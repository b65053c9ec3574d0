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
    // Before anything is copied from the host's tree, so that whatever way leads there is covered.
    while (take_word("mask")) mask(next_text());
    open_root();
    build_root(writable);
    // What mounts may name: instances open these in the host's tree, where they are not covered.
    while (take_word("hide")) hide_in_root(next_text());
    while (take_word("processes")) hide_processes_in_root(next_text());
    seal_own_filesystems();
    _exit(0);
}
