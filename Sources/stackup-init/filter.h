// Which system calls a process may make.
#pragma once

/// Installs a filter for this process and all its children, for ever; needs no_new_privs.
///
/// \param flags of seccomp(2).
/// \param digits the program: `struct sock_filter`s, two hexadecimal digits for each byte; they are overwritten.
void install_filter(unsigned flags, char *digits);
