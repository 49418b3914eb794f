package report

import (
	"bufio"
	"cmp"
	"fmt"
	"reflect"
	"strings"

	"github.com/ckptfs/ckptfs/decoder"
	"github.com/ckptfs/ckptfs/fusefs/escape"
)

// credentialInfo is what a task may do.
type credentialInfo struct {
	UID          uint32         `json:"uid"`
	EUID         uint32         `json:"euid"`
	SUID         uint32         `json:"suid"`
	FSUID        uint32         `json:"fsuid"`
	GID          uint32         `json:"gid"`
	EGID         uint32         `json:"egid"`
	SGID         uint32         `json:"sgid"`
	FSGID        uint32         `json:"fsgid"`
	Groups       []uint32       `json:"groups"`
	Capabilities capabilityInfo `json:"capabilities"`
	NoNewPrivs   bool           `json:"no_new_privs"`
	Seccomp      string         `json:"seccomp"` // disabled, strict, filter
	Filters      int            `json:"seccomp_filters"`
	LSMProfile   string         `json:"lsm_profile,omitempty"` // SELinux context or AppArmor profile
}

// credentialsOf is nil where the checkpoint does not have them, and where a
// thread may do what the leader may.
func credentialsOf(t, leader *decoder.Thread) *credentialInfo {
	c := t.Creds
	if c == nil || t != leader && leader != nil && reflect.DeepEqual(c, leader.Creds) &&
		t.Seccomp.Mode == leader.Seccomp.Mode && t.Seccomp.Filters == leader.Seccomp.Filters {
		return nil
	}
	return &credentialInfo{
		c.UID, c.EUID, c.SUID, c.FSUID, c.GID, c.EGID, c.SGID, c.FSGID, list(c.Groups),
		capabilityInfo{
			capabilityNames(c.CapPermitted), capabilityNames(c.CapEffective), capabilityNames(c.CapInheritable),
			capabilityNames(c.CapAmbient), capabilityNames(c.CapBounding),
		},
		c.NoNewPrivs, seccompMode(t.Seccomp.Mode), t.Seccomp.Filters, c.LSMProfile,
	}
}

// seccompMode names a mode of prctl(PR_GET_SECCOMP).
func seccompMode(mode uint32) string {
	switch mode {
	case 0:
		return "disabled"
	case 1:
		return "strict"
	case 2:
		return "filter"
	default:
		return fmt.Sprint(mode)
	}
}

// writeSecurity writes what the processes may do, once for all that may do the
// same, and of their threads those that differ.
func writeSecurity(b *bufio.Writer, s *summary) {
	fmt.Fprintln(b, "security")
	type who struct {
		pid  int
		task taskInfo
	}
	var same groups[string, who]
	for _, p := range s.Processes {
		for _, t := range p.Tasks {
			if t.credentialInfo != nil {
				same.add(fmt.Sprintf("%+v", *t.credentialInfo), who{p.PID, t})
			}
		}
	}
	for _, g := range same.list {
		var pids, tids []int
		for _, m := range g.members {
			if m.task.TID == m.pid {
				pids = append(pids, m.pid)
			} else {
				tids = append(tids, m.task.TID)
			}
		}
		name := pidsText(pids)
		if len(tids) > 0 {
			name = strings.TrimSpace(name + " thread " + pidsText(tids))
		}
		c := g.members[0].task.credentialInfo
		fmt.Fprintf(b, "  %s: %s\n", name, escape.String(c.text(s.LSM)))
		for _, line := range c.Capabilities.lines() {
			fmt.Fprintf(b, "    %s\n", line)
		}
	}
}

// text is what is not capabilities, in a line.
func (c *credentialInfo) text(lsm string) string {
	text := ids("uid", c.UID, c.EUID, c.SUID, c.FSUID) + ", " + ids("gid", c.GID, c.EGID, c.SGID, c.FSGID)
	if len(c.Groups) > 0 {
		text += ", groups " + strings.Trim(fmt.Sprint(c.Groups), "[]")
	}
	text += ", seccomp " + c.Seccomp
	if c.Filters > 0 {
		text += fmt.Sprintf(" (%d)", c.Filters)
	}
	if c.NoNewPrivs {
		text += ", no new privileges"
	}
	if c.LSMProfile != "" {
		text += ", " + cmp.Or(lsm, "lsm") + " " + c.LSMProfile
	} else if lsm != "" {
		text += ", lsm " + lsm
	}
	return text
}

// ids is the real id, and the others where they differ from it.
func ids(name string, real, effective, saved, fs uint32) string {
	text := fmt.Sprintf("%s %d", name, real)
	var others []string
	for _, o := range []struct {
		name string
		id   uint32
	}{{"effective", effective}, {"saved", saved}, {"fs", fs}} {
		if o.id != real {
			others = append(others, fmt.Sprintf("%s %d", o.name, o.id))
		}
	}
	if others == nil {
		return text
	}
	return text + " (" + strings.Join(others, ", ") + ")"
}
