package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst moves the flags of a command before its arguments, for people
// type "ckptfs mount a.tar /mnt -f" and urfave/cli stops at the first
// argument: urfave/cli issue 427. What follows "--" stays where it is.
func flagsFirst(app *cli.App, args []string) []string {
	i := slices.IndexFunc(args[min(1, len(args)):], func(a string) bool { return !strings.HasPrefix(a, "-") })
	if i < 0 {
		return args
	}
	i += 2 // behind the command
	command := app.Command(args[i-1])
	if command == nil || command.SkipFlagParsing {
		return args
	}
	var flags, rest []string
	todo := args[i:]
	for len(todo) > 0 {
		arg := todo[0]
		todo = todo[1:]
		switch {
		case arg == "--":
			rest = append(rest, todo...)
			todo = nil
		case len(arg) < 2 || arg[0] != '-':
			rest = append(rest, arg)
		default:
			flags = append(flags, arg)
			if !takesValue(command, arg) {
				continue
			}
			if len(todo) == 0 {
				return slices.Concat(args[:i], flags) // which tells the user what lacks
			}
			flags = append(flags, todo[0])
			todo = todo[1:]
		}
	}
	return slices.Concat(args[:i], flags, []string{"--"}, rest)
}

// takesValue tells whether the value of a flag is the next argument.
func takesValue(command *cli.Command, arg string) bool {
	name := strings.TrimLeft(arg, "-") // "-o=x" is no name of a flag
	for _, flag := range command.Flags {
		if _, boolean := flag.(*cli.BoolFlag); !boolean && slices.Contains(flag.Names(), name) {
			return true
		}
	}
	return false
}
