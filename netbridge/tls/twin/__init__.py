# SPDX-License-Identifier: GPL-2.0-or-later
"""A TLS 1.2 server, free of IO: what `server.Server` (one folder up) is made of. It is the device's known-good twin.

How a connection goes:

1. `record_layer` makes records of bytes and bytes of records, and has `protection` encrypt them, with `keys`.
2. `handshake` is the state machine: which message may come next, and what is said to it.
3. `negotiation` chooses, by a `policy` and the `identity`s at hand; `device_policy` makes the policy of a config.h.
4. `key_agreement`, `signing`, `client_trust` and `resumption` do the work of single messages.
5. `conduct` is how the server behaves: properly. `faults` are ways to misbehave on purpose.

Errors are `alerts`. Numbers are drawn from a source that is passed in, and so is the time.
"""
