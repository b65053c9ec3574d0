// How stackup-init says what went wrong: one line, naming the stage, to whoever launched it.
#pragma once

/// The descriptors that the launcher puts in place (Runner/Launching/InstanceLauncher.swift has the other half).
enum {
    SPECIFICATION_FD = 3,  ///< what to do, in order
    REPORT_FD = 4,         ///< errors go here; closed by the service's exec, which tells that all went well
    SIGN_FD = 5,           ///< launch: an empty file, which tells whose instance it is; exec: a socket that the terminal is sent over
    OUTPUT_READ_FD = 6,    ///< launch: kept open so that nobody gets SIGPIPE; exec: a pidfd of the instance
    ERRORS_READ_FD = 7,
    KEEPER_FD = 8,         ///< the service's whole tmpfs, for the next supervisor
    SECRETS_FD = 9,        ///< a mount of what goes to /run/secrets
    FIRST_TARGET_FD = 10,  ///< mounts of files with targets elsewhere, in the specification's order
};

/// Exit statuses of set-up, as shells and container engines have them.
enum { EXIT_SETUP = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

/// Writes "stage(subject): reason of errno" to the report and exits.
_Noreturn void fail(const char *stage, const char *subject);

/// The same with a negative errno(3) as a system call itself gives it.
_Noreturn void fail_by(long result, const char *stage, const char *subject);

/// The same with words in errno's place.
_Noreturn void fail_because(const char *stage, const char *subject, const char *reason);

/// The same with an exit status of its own.
_Noreturn void fail_with(int status, const char *stage, const char *subject, const char *reason);
