# SPDX-License-Identifier: GPL-2.0-or-later
"""When TCP sends again (RFC 6298) and how much it may have in flight (RFC 5681, NewReno of RFC 6582)."""

from __future__ import annotations

MS = 1_000_000
SECOND = 1000 * MS

RTO_MIN = 1 * SECOND
RTO_MAX = 60 * SECOND
RTO_AFTER_LOST_SYN = 3 * SECOND
DUPLICATE_ACKS = 3


class RetransmissionTimeout:
    """RTO from round-trip samples (RFC 6298 section 2), in nanoseconds; the clock's granularity is negligible."""

    def __init__(self) -> None:
        self._base = RTO_MIN
        self._shift = 0
        self._srtt = 0
        self._rttvar = 0

    @property
    def rto(self) -> int:
        """How long to wait now."""
        return min(RTO_MAX, self._base << self._shift)

    def sample(self, rtt: int) -> None:
        """A segment sent once was acknowledged after `rtt`."""
        if self._srtt:
            self._rttvar += (abs(self._srtt - rtt) - self._rttvar) // 4
            self._srtt += (rtt - self._srtt) // 8
        else:
            self._srtt, self._rttvar = max(1, rtt), rtt // 2
        self._base = min(RTO_MAX, max(RTO_MIN, self._srtt + 4 * self._rttvar))

    def back_off(self) -> None:
        """It expired (5.5)."""
        self._shift = min(self._shift + 1, 6)

    def progress(self) -> None:
        """The peer took something: the next wait is a normal one again."""
        self._shift = 0

    def syn_was_lost(self) -> None:
        """Data starts carefully when the SYN had to be repeated (5.7)."""
        self._base = max(self._base, RTO_AFTER_LOST_SYN)


class Congestion:
    """Slow start, congestion avoidance, fast retransmit and recovery. Sequence numbers are unwrapped.

    The cable itself never congests, but a guest with a large window may have four receive descriptors.
    """

    def __init__(self, smss: int) -> None:
        self._smss = smss
        self.cwnd = (4 if smss <= 1095 else 3) * smss  # RFC 5681 section 3.1
        self._ssthresh = 1 << 30
        self._duplicates = 0
        self._recover = -1
        self._recovering = False

    def on_ack(self, acked: int, una: int, nxt: int) -> bool:
        """`acked` new bytes, now up to `una`; True for a partial ACK: the segment at SND.UNA must go again."""
        self._duplicates = 0
        if self._recovering and una <= self._recover:
            self.cwnd = max(self._smss, self.cwnd - acked + self._smss)
            return True
        if self._recovering:
            self._recovering = False
            self.cwnd = min(self._ssthresh, max(nxt - una, self._smss) + self._smss)
        elif self.cwnd < self._ssthresh:
            self.cwnd += min(acked, self._smss)
        else:
            self.cwnd += max(1, self._smss * self._smss // self.cwnd)
        return False

    def on_duplicate(self, una: int, nxt: int) -> bool:
        """A duplicate ACK; True when it is the one that calls for the segment at SND.UNA to go again at once."""
        self._duplicates += 1
        if self._recovering:
            self.cwnd += self._smss
            return False
        if self._duplicates != DUPLICATE_ACKS or una <= self._recover:
            return False
        self._halve(una, nxt)
        self.cwnd = self._ssthresh + DUPLICATE_ACKS * self._smss
        self._recovering = True
        return True

    def on_timeout(self, una: int, nxt: int) -> None:
        """The retransmission timer expired: start again with one segment."""
        self._halve(una, nxt)
        self.cwnd = self._smss
        self._recovering = False
        self._duplicates = 0

    def _halve(self, una: int, nxt: int) -> None:
        self._ssthresh = max((nxt - una) // 2, 2 * self._smss)
        self._recover = nxt
