package report

import (
	"fmt"
	"strings"
)

// capabilityInfo are the capability sets, by name.
type capabilityInfo struct {
	Permitted   []string `json:"permitted"`
	Effective   []string `json:"effective"`
	Inheritable []string `json:"inheritable"`
	Ambient     []string `json:"ambient"`
	Bounding    []string `json:"bounding"`
}

// capabilities are the names of the capabilities by number.
//
// Source: include/uapi/linux/capability.h.
var capabilities = strings.Fields(`
	cap_chown cap_dac_override cap_dac_read_search cap_fowner cap_fsetid cap_kill cap_setgid cap_setuid
	cap_setpcap cap_linux_immutable cap_net_bind_service cap_net_broadcast cap_net_admin cap_net_raw cap_ipc_lock cap_ipc_owner
	cap_sys_module cap_sys_rawio cap_sys_chroot cap_sys_ptrace cap_sys_pacct cap_sys_admin cap_sys_boot cap_sys_nice
	cap_sys_resource cap_sys_time cap_sys_tty_config cap_mknod cap_lease cap_audit_write cap_audit_control cap_setfcap
	cap_mac_override cap_mac_admin cap_syslog cap_wake_alarm cap_block_suspend cap_audit_read cap_perfmon cap_bpf
	cap_checkpoint_restore`)

// capabilityNames names a set, a capability that is not known by its number.
func capabilityNames(set uint64) []string {
	names := []string{}
	for n := range 64 {
		switch {
		case set&(1<<n) == 0:
		case n < len(capabilities):
			names = append(names, capabilities[n])
		default:
			names = append(names, fmt.Sprintf("cap_%d", n))
		}
	}
	return names
}

// lines are the sets, a line for all that are equal.
func (c capabilityInfo) lines() (lines []string) {
	var same groups[string, string]
	for _, s := range []struct {
		name string
		set  []string
	}{
		{"permitted", c.Permitted},
		{"effective", c.Effective},
		{"inheritable", c.Inheritable},
		{"ambient", c.Ambient},
		{"bounding", c.Bounding},
	} {
		same.add(strings.Join(s.set, " "), s.name)
	}
	for _, g := range same.list {
		set := g.key
		switch set {
		case "":
			set = "none"
		case strings.Join(capabilities, " "):
			set = "all"
		}
		lines = append(lines, strings.Join(g.members, ", ")+": "+set)
	}
	return lines
}
