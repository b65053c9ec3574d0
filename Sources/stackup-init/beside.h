// A process that runs beside pid 1 in its memory, until it executes a program.
#pragma once
#include <sys/types.h>

/// Starts a process that shares all of this one's memory, errno(3) among it: as long as this one works, the other one may only make
/// calls by `call_beside`.
///
/// \param function what it does, with `argument`; it must not return.
/// \return its pid; -1 and errno where it can't be started.
pid_t start_beside(int (*function)(void *), void *argument);

/// Lets the one beside pass `await_turn`.
void give_turn(void);

/// In the one beside: waits for its turn. From then on it may do everything.
void await_turn(void);

/// Waits until the one beside has executed something or ended, and so left this memory.
void await_departure(void);

/// A system call whose failure is its result alone, as a negative errno(3).
long call_beside(long number, long first, long second, long third, long fourth, long fifth);
