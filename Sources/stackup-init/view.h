// Prepares what all instances of one moment are cloned from.
#pragma once

/// Covers what no instance may see, and builds the root that they have in common in the working directory. Never returns.
_Noreturn void view(void);
