// Package journal turns journal entries into observations, live or for the past,
// and writes verdicts back.
//
// libsystemd maps journal files into memory, and journald 252 truncates them
// under its readers (systemd#24320): the reader dies by SIGBUS, which Go cannot
// recover from. So entries are read in a child process of the same binary
// (Child), which Follower and Read start again at the last cursor when it dies. The
// child passes on what it reads (pass.c); its parent decodes that into entries.
package journal
