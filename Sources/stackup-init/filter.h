// System calls that no service needs and that lead out of what it was granted.
#pragma once

/// Refuses them from now on, for this process and all its children; needs no_new_privs.
///
/// \param is_confined whether user namespaces and file handles are refused too.
void filter_system_calls(int is_confined);
