//! The command line: one file a command, exit codes, and how complaints are shown.
