# SPDX-License-Identifier: GPL-2.0-or-later
"""The wire: codecs, the user-mode host, the bridge to host sockets, captures. Knows neither the chip nor the machine.

How a byte travels from a host client into the guest:

1. `bridge.Bridge.poll_sockets` lets a `tcp_forward.Relay` read it from the client's socket, if the connection's TCP
   has room (`tcp.Tcp.send`).
2. `bridge.Bridge.take_output` asks `host.Host`, which asks each `tcp.Tcp` for the segments that the guest's window
   allows (`tcp_send.Sender`), and wraps them with the codecs of `wire`: TCP in IPv4 in an Ethernet frame.
3. The caller, who owns time, hands the frame to `link.Link.to_guest` at a cycle of its choice; taps such as
   `pcapng.PcapngWriter` see it there; the link gives it to the MAC.

And back:

1. The MAC gives a frame to `link.Link.from_guest`, which passes it to `bridge.Bridge.receive`.
2. `host.Host` takes it apart, layer by layer; `tcp.Tcp` puts its bytes in order (`tcp_receive.ReceiveBuffer`).
3. The next `poll_sockets` writes them to the client's socket; what the socket does not take stays, and narrows the
   window that the guest sees.

Everything but `bridge`, its forwards and `poller` is free of IO. Objects that react to time share four methods, in
virtual nanoseconds: `receive(x, now)`, `take_output(now)`, `poll_at()` and `on_timer(now)`. After any of the others,
and after use from the outside, call `take_output`; call `on_timer` once `poll_at` is reached. The same calls give the
same bytes, always.
"""
