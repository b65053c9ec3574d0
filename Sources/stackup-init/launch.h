// Pid 1 of an instance.
#pragma once

_Noreturn void launch(void);
