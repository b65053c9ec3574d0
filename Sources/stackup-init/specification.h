// The specification: a list of operations, each a word and its arguments, all of them NUL-terminated.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Maps the specification of SPECIFICATION_FD and closes the descriptor.
void specification_open(void);

/// Lets go of it, and of all words that were taken.
void specification_close(void);

/// The next word; a specification that ends too early is an error.
char *next_text(void);

/// The next word as a number (decimal).
uint64_t next_number(void);

/// As many bytes as the next word says, which may be any.
char *next_bytes(size_t *count);

/// Whether the next word is `word`; if so it is taken.
int take_word(const char *word);

/// Takes `count` words as a NULL-terminated array.
char **next_list(void);
