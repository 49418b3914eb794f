// Package integration tests the program from outside: it builds bin/ckptfs,
// mounts real checkpoints and reads them with plain tools and system calls.
//
// What a test needs beyond Go and coreutils it asks for with require: it skips
// with the reason when that is missing, unless CKPTFS_REQUIRE lists it, in
// which case the test fails. `make test` lists everything.
//
// CKPTFS_PROGRAM is a program to test instead of one that is built for it.
// CKPTFS_DAMAGE_STRIDE=1 mounts every damaged archive of the damage tests
// instead of a sample, and -update rewrites the golden files.
package integration
