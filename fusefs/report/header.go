package report

import (
	"bufio"
	"cmp"
	"fmt"
	"strings"

	"github.com/ckptfs/ckptfs/fusefs/escape"
)

// writeHeader writes what the checkpoint is, a line for each fact.
func writeHeader(b *bufio.Writer, s *summary) {
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "%-13s %s\n", name+":", escape.String(value))
		}
	}
	line("container", s.Container)
	line("full name", s.FullName)
	line("id", s.ID)
	line("image", s.Image)
	line("image id", s.ImageID)
	line("engine", s.Engine)
	line("runtime", s.Runtime)
	line("namespace", s.Pod.namespace())
	line("pod", s.Pod.text())
	line("restart", s.RestartPolicy)
	line("created", s.Created)
	line("started", s.Started)
	line("restored", s.Restored)
	line("checkpointed", s.Checkpointed)
	line("hostname", s.Hostname)
	for _, n := range s.Networks {
		line("network", n.text())
	}
	line("ports", strings.Join(s.Ports, " "))
	a := s.Archive
	line("archive", fmt.Sprintf("%s, %s, %d members", a.Form, bytesText(a.Size), a.Members))
	line("form", a.CheckpointForm)
	line("checkpoint", fmt.Sprintf("%s, %d of them memory pages", bytesText(a.Checkpoint), a.Pages))
	if a.RootfsDiff > 0 {
		line("rootfs diff", bytesText(a.RootfsDiff))
	}
	line("log", a.Log)
	line("warnings", fmt.Sprint(len(s.Warnings)))
}

// text is an interface in a line.
func (n networkInfo) text() string {
	text := strings.TrimSpace(strings.Join([]string{n.Network, n.Interface, strings.Join(n.Addresses, " ")}, " "))
	if len(n.Gateways) > 0 {
		text += ", gateway " + strings.Join(n.Gateways, " ")
	}
	if n.MAC != "" {
		text += ", mac " + n.MAC
	}
	return text
}

// text is a pod in a line.
func (p *podInfo) text() string {
	if p == nil {
		return ""
	}
	text := cmp.Or(p.Name, p.ID)
	if p.UID != "" {
		text += ", uid " + p.UID
	}
	if p.Attempt > 0 {
		text += fmt.Sprintf(", container started %d times before", p.Attempt)
	}
	return text
}

// namespace is that of Kubernetes.
func (p *podInfo) namespace() string {
	if p == nil {
		return ""
	}
	return p.Namespace
}
