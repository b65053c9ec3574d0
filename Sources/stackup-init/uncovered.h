// The host's processes, where a mount of them has come along with a folder.
#pragma once

/// Names a place where the service is to see processes, since it has mounted some there itself.
void allow_processes(const char *place);

/// Covers each mount of processes (proc(5)) that is not the instance's own and lies open below the root. Covers are laid by path, and a
/// neighbour that may write above such a mount may have renamed a folder meanwhile; which mount lies on which, nobody but us can
/// change in this namespace. Where one can't be found by its name in the end, that ends the launch.
void cover_remaining_processes(void);
