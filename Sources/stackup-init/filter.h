// System calls that no service needs and that lead out of what it was granted.
#pragma once

/// Refuses them from now on, for this process and all its children; needs no_new_privs.
///
/// \param namespaces whether user namespaces are refused too.
void filter_system_calls(int namespaces);
