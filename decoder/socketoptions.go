package decoder

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	sk_inet "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-inet"
	sk_opts "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-opts"
)

// SocketOptions are options of a socket that say something about its purpose:
// socket(7), ip(7), tcp(7). Sizes of buffers and time limits are left out.
type SocketOptions struct {
	ReuseAddr, ReusePort, Broadcast, KeepAlive, PassCred bool
	FreeBind, HeaderIncluded, V6Only                     bool
	NoDelay, Cork                                        bool
	SendBuffer, ReceiveBuffer                            uint32 // bytes that may wait, by the kernel's way of counting
	Mark                                                 uint32
	BoundDevice                                          string
	Filter                                               []FilterInstruction // SO_ATTACH_FILTER
}

// FilterInstruction is one of classic BPF (include/uapi/linux/filter.h:sock_filter).
type FilterInstruction struct {
	Code   uint16
	JT, JF uint8
	K      uint32
}

// maxFilter is how many instructions the kernel takes (BPF_MAXINSNS).
const maxFilter = 4096

func socketOptions(o *sk_opts.SkOptsEntry) SocketOptions {
	s := SocketOptions{
		ReuseAddr: o.GetReuseaddr(), ReusePort: o.GetSoReuseport(), Broadcast: o.GetSoBroadcast(),
		KeepAlive: o.GetSoKeepalive(), PassCred: o.GetSoPasscred(),
		SendBuffer: o.GetSoSndbuf(), ReceiveBuffer: o.GetSoRcvbuf(),
		Mark: o.GetSoMark(), BoundDevice: o.GetSoBoundDev(),
	}
	for _, w := range o.GetSoFilter()[:min(len(o.GetSoFilter()), maxFilter)] {
		// Source: criu/sockets.c:encode_filter.
		s.Filter = append(s.Filter, FilterInstruction{uint16(w >> 48), uint8(w >> 40), uint8(w >> 32), uint32(w)})
	}
	return s
}

// Field of inet_sk_entry that go-criu does not know, and fields of the message
// tcp_opts_entry in it (images/sk-inet.proto, images/tcp-stream.proto).
const (
	inetTCPOpts = 20
	tcpCork     = 1
	tcpNoDelay  = 2
)

// inet adds the options that only IP sockets have.
func (s *SocketOptions) inet(e *sk_inet.InetSkEntry) {
	s.V6Only = e.GetV6Only()
	s.FreeBind = e.GetIpOpts().GetFreebind()
	s.HeaderIncluded = e.GetIpOpts().GetRaw().GetHdrincl()
	tcp := new(emptypb.Empty) // of which every field is an unknown one
	if err := proto.Unmarshal(unknownMessage(e, inetTCPOpts), tcp); err != nil {
		return // a message that is no message has no options
	}
	set := func(field protowire.Number) bool {
		values := unknown(tcp, field)
		return len(values) > 0 && values[0] != 0
	}
	s.NoDelay, s.Cork = set(tcpNoDelay), set(tcpCork)
}
