// Memory that is never given back: pid 1 needs some for its set-up.
#pragma once
#include <stddef.h>

/// So many bytes, whatever they hold. A failure is an error.
///
/// The first ones are this program's own: to set up a heap takes as long as two mounts.
void *keep(size_t size);
