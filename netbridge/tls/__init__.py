# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS as it is on the wire, and as a device is configured for it. Knows neither the chip nor the machine.

What a connection goes through:

1. `streams.TcpStreams` (one folder up) makes two byte streams of the frames, with gaps where a capture has some.
2. `observer.Observer` reads both: `records` cuts them into records, `handshake` puts messages together, `messages`
   takes those apart. The result is a `transcript.Transcript`. Nothing a peer sends raises: what is not TLS becomes a
   `cursor.Malformed` in the transcript.
3. `evidence` computes what can be computed from a transcript: is the point on its curve (`curves`), under which key
   does the signature verify (`ecdsa`), what does the certificate say (`certificate`).
4. `doctor` holds rules over the evidence of all connections so far; the first that applies is the `verdict`.
5. `ladder` makes text of it, `explainer` joins all of it for one capture or run.

The other way round, `server.Server` speaks TLS itself, with what is in `twin`; `listener` has its sockets.

Registries are tables (`names`, `suites`, `algorithms`). Everything but `listener` is free of IO; times are passed in.
"""
