// What the host gives to an instance's bind mounts.
#pragma once

/// Names the source of a bind mount on the host: a path without symbolic links. Where one has come to lie on the way
/// since it was resolved, a service may have laid it, to have something else mounted; it is refused. The devices in a
/// folder count where `has_devices`: the instance's control group says which may be used.
void add_source(const char *path, int has_devices);

/// Names a mount of processes (proc(5)) that the host has.
void add_processes(char *path);

/// Opens the sources, with the masks that lie on them, and hides the host's processes: a folder that has a /proc in it
/// would lead into every other service. Who wants to see processes names a /proc itself.
void open_sources(void);

/// The tree of the source that was named as number `index`, from 0; `target` is where it goes.
int source_tree(unsigned index, const char *target);

/// Keeps a folder from being renamed by the service: one that could would move what is masked in it out from
/// under its mask's path, and the next start of the service would mask nothing.
void pin(const char *path);
