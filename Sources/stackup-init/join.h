// A further command in a running instance.
#pragma once

_Noreturn void join(void);
