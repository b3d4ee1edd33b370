# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP by segment scripts: data, windows, retransmission (RFC 9293 section 3.8, RFC 5681, RFC 6298)."""

from __future__ import annotations

from stm32emu.netbridge.tcp import Ending
from stm32emu.netbridge.tcp_congestion import RTO_MAX, SECOND, Congestion, RetransmissionTimeout
from tcp_script import Script


def grown(segments: int, *, window: int = 60000) -> Script:
    """A connection whose congestion window has grown to hold `segments`; both sides' numbers count from 1 again."""
    s = Script(buffer=60000)
    s.establish(window)
    at = 1
    while at < 1 + segments * 1000:
        s.tcp.send(bytes(1000))
        s.output()
        at += 1000
        s.peer("A", 1, at, window)
    return s


def test_data_goes_out_in_segments_of_the_peers_mss() -> None:
    s = Script()
    s.establish(mss=600)
    s.tcp.send(bytes(1500))
    assert s.output() == ["A 1:601 ack=1 win=4000", "A 601:1201 ack=1 win=4000", "AP 1201:1501 ack=1 win=4000"]


def test_a_peer_that_does_not_say_gets_536() -> None:
    s = Script()
    s.establish(mss=0)
    s.tcp.send(bytes(600))
    assert s.output() == ["A 1:537 ack=1 win=4000", "AP 537:601 ack=1 win=4000"]


def test_our_own_mss_limits_what_we_send_too() -> None:
    s = Script(mss=500)
    s.establish(mss=1460)
    s.tcp.send(bytes(501))
    assert s.output() == ["A 1:501 ack=1 win=4000", "AP 501:502 ack=1 win=4000"]


def test_no_more_than_the_window_and_no_silly_segments() -> None:
    s = Script()
    s.establish(window=2300)
    s.tcp.send(bytes(4000))
    assert s.output() == ["A 1:1001 ack=1 win=4000", "A 1001:2001 ack=1 win=4000"]
    s.peer("A", 1, 1001, 1300)
    assert s.output() == []
    s.peer("A", 1, 2001, 2300)
    assert s.output() == ["A 2001:3001 ack=1 win=4000", "AP 3001:4001 ack=1 win=4000"]


def test_small_writes_are_not_delayed() -> None:
    s = Script()
    s.establish()
    for at in (1, 2, 3):
        s.tcp.send(b"k")
        assert s.output() == [f"AP {at}:{at + 1} ack=1 win=4000"]


def test_send_takes_what_fits() -> None:
    s = Script(buffer=1000)
    s.establish()
    assert s.tcp.send(bytes(1500)) == 1000
    assert (s.tcp.send_room, s.tcp.send(b"x")) == (0, 0)
    s.output()
    s.peer("A", 1, 601)
    assert s.tcp.send_room == 600


def test_each_batch_of_segments_gets_one_ack() -> None:
    s = Script()
    s.establish()
    s.peer("A", 1, 1, data=b"ab")
    s.peer("PA", 3, 1, data=b"cd")
    assert s.output() == ["A 1:1 ack=5 win=3996"]
    assert s.output() == []
    assert s.read() == b"abcd"


def test_data_carries_the_ack() -> None:
    s = Script()
    s.establish()
    s.peer("A", 1, 1, data=b"ab")
    s.tcp.send(b"re")
    assert s.output() == ["AP 1:3 ack=3 win=3998"]


def test_early_data_waits_and_duplicates_and_overlaps_are_cut() -> None:
    s = Script()
    s.establish()
    for seq, data in ((4, b"def"), (7, b"g"), (3, b"cdefg"), (4, b"de"), (9, b"i")):
        s.peer("A", seq, 1, data=data)
        assert s.output() == ["A 1:1 ack=1 win=4000"]
    s.peer("A", 1, 1, data=b"abc")
    assert s.output() == ["A 1:1 ack=8 win=3993"]
    s.peer("A", 2, 1, data=b"bcdefgh")
    assert s.output() == ["A 1:1 ack=10 win=3991"]
    assert s.read() == b"abcdefghi"


def test_data_beyond_the_window_is_cut_off() -> None:
    s = Script(buffer=10)
    s.establish()
    s.peer("FA", 1, 1, data=b"0123456789ab")
    assert s.output() == ["A 1:1 ack=11 win=0"]
    assert (s.read(), s.tcp.peer_finished) == (b"0123456789", False)


def test_our_window_closes_and_reopens_in_one_worthwhile_step() -> None:
    s = Script(buffer=2000)
    s.establish()
    s.peer("A", 1, 1, data=bytes(1000))
    s.peer("A", 1001, 1, data=bytes(1000))
    assert s.output() == ["A 1:1 ack=2001 win=0"]
    s.peer("A", 2001, 1, data=b"p")  # a probe of the window
    assert s.output() == ["A 1:1 ack=2001 win=0"]
    s.tcp.consume(999)
    assert s.output() == []
    s.peer("A", 2001, 1)
    s.tcp.consume(1)
    assert s.output() == ["A 1:1 ack=2001 win=1000"]
    s.tcp.consume(1000)
    assert s.output() == ["A 1:1 ack=2001 win=2000"]


def test_acks_are_heard_while_our_window_is_shut() -> None:
    s = Script(buffer=1000)
    s.establish()
    s.peer("A", 1, 1, data=bytes(1000))
    s.tcp.send(b"abc")
    assert s.output() == ["AP 1:4 ack=1001 win=0"]
    s.peer("A", 1001, 4, data=b"probe")
    assert s.output() == ["A 4:4 ack=1001 win=0"]
    assert s.wait(10) == []


def test_zero_window_is_probed_with_one_octet_and_back_off() -> None:
    s = Script()
    s.establish(window=0)
    s.tcp.send(b"hello")
    assert s.output() == []
    times = []
    for _ in range(20):
        before = s.now
        due = s.tcp.poll_at()
        assert due is not None
        assert s.wait((due - before) / SECOND) == ["A 1:2 ack=1 win=4000"]
        times.append((s.now - before) // SECOND)
        s.peer("A", 1, 1, 0)
    assert times == [1, 2, 4, 8, 16, 32] + [60] * 14  # for as long as the peer answers
    s.peer("A", 1, 1, 4000)
    assert s.output() == ["AP 1:6 ack=1 win=4000"]
    s.peer("A", 1, 6, 4000)
    assert s.tcp.poll_at() is None


def test_a_probe_may_be_taken() -> None:
    s = Script()
    s.establish(window=0)
    s.tcp.send(b"hello")
    s.output()
    assert s.wait(1) == ["A 1:2 ack=1 win=4000"]
    s.peer("A", 1, 2, 0)
    assert s.output() == []
    assert s.wait(1) == ["A 2:3 ack=1 win=4000"]
    s.peer("A", 1, 2, 100)
    assert s.output() == ["AP 2:6 ack=1 win=4000"]


def test_our_acks_stay_inside_the_window_that_we_probe() -> None:
    s = Script()
    s.establish(window=0)
    s.tcp.send(b"hello")
    s.output()
    s.wait(1)
    s.peer("A", 1, 1, 0, data=b"x")
    assert s.output() == ["A 1:1 ack=2 win=3999"]


def test_fin_waits_for_the_window_too() -> None:
    s = Script()
    s.establish(window=0)
    s.tcp.shutdown()
    assert s.output() == []
    assert s.wait(1) == ["AF 1:2 ack=1 win=4000"]


def test_an_unanswered_probe_is_given_up() -> None:
    s = Script()
    s.establish(window=0)
    s.tcp.send(b"x")
    s.output()
    assert len(s.wait(1000)) == 8  # seven probes and a reset
    assert s.tcp.ending is Ending.TIMED_OUT


def test_a_nearly_shut_window_is_used_after_a_while() -> None:
    """Section 3.8.6.2.1, the override time-out."""
    s = Script()
    s.establish(window=4000)
    s.tcp.send(bytes(1000))
    s.output()
    s.peer("A", 1, 1001, 10)
    s.tcp.send(bytes(500))
    assert s.output() == []
    assert s.wait(1) == ["A 1001:1011 ack=1 win=4000"]


def test_an_old_segment_does_not_change_the_window() -> None:
    s = Script()
    s.establish(window=4000)
    s.peer("A", 1, 1, 100, data=b"ab")
    s.output()
    s.peer("A", 1, 1, 4000, data=b"ab")
    s.output()
    s.tcp.send(bytes(200))
    assert s.output() == []
    assert s.wait(1) == ["A 1:101 ack=3 win=3998"]


def test_lost_data_is_repeated_with_back_off_and_given_up_with_a_reset() -> None:
    s = Script()
    s.establish()
    s.tcp.send(b"abc")
    data = "AP 1:4 ack=1 win=4000"
    assert s.output() == [data]
    assert s.wait(0.999) == []
    assert s.wait(0.001) == [data]
    assert s.wait(2) == [data]
    assert s.wait(3.9) == []
    assert s.wait(600) == [data] * 5 + ["AR 4:4 ack=1 win=4000"]
    assert (s.tcp.closed, s.tcp.ending) == (True, Ending.TIMED_OUT)


def test_progress_ends_back_off() -> None:
    s = Script()
    s.establish()
    s.tcp.send(b"abc")
    s.output()
    assert len(s.wait(7)) == 3
    s.peer("A", 1, 4)
    s.tcp.send(b"d")
    assert s.output() == ["AP 4:5 ack=1 win=4000"]
    assert len(s.wait(1)) == 1


def test_a_repeated_syn_makes_data_careful() -> None:
    """RFC 6298 section 5.7."""
    s = Script()
    s.tcp.connect()
    s.output()
    assert s.wait(1) == ["S 0:1"]
    s.peer("SA", 0, 1)
    s.output()
    s.tcp.send(b"abc")
    s.output()
    assert s.wait(2.999) == []
    assert len(s.wait(0.001)) == 1


def test_after_a_timeout_one_segment_goes_and_an_ack_of_all_ends_it() -> None:
    s = grown(4)
    s.tcp.send(bytes(4000))
    assert len(s.output()) == 4
    assert s.wait(1) == ["A 4001:5001 ack=1 win=60000"]
    s.peer("A", 1, 8001, 60000)
    assert s.output() == []
    assert s.tcp.poll_at() is None


def test_three_duplicate_acks_repeat_the_lost_segment_at_once() -> None:
    s = grown(6)
    s.tcp.send(bytes(6000))
    assert len(s.output()) == 6
    for _ in range(2):
        s.peer("A", 1, 6001, 60000)
        assert s.output() == []
    s.peer("A", 1, 6001, 60000)
    assert s.output() == ["A 6001:7001 ack=1 win=60000"]
    s.peer("A", 1, 6001, 60000)
    assert s.output() == []
    s.peer("A", 1, 8001, 60000)  # a partial ACK: the third was lost as well
    assert s.output() == ["A 8001:9001 ack=1 win=60000"]
    s.peer("A", 1, 12001, 60000)
    assert s.output() == []


def test_window_updates_and_data_are_no_duplicate_acks() -> None:
    s = grown(4)
    s.tcp.send(bytes(4000))
    s.output()
    for window in (59000, 58000, 57000, 56000):
        s.peer("A", 1, 4001, window)
    for at in range(4):
        s.peer("A", 1 + at, 4001, 56000, data=b"x")
    assert s.output() == ["A 8001:8001 ack=5 win=59996"]


def test_the_congestion_window_starts_small_and_doubles() -> None:
    s = Script(buffer=60000)
    s.establish(60000)
    s.tcp.send(bytes(60000))
    assert len(s.output()) == 4  # RFC 5681 section 3.1, for a small MSS
    for ack in (1001, 2001, 3001, 4001):
        s.peer("A", 1, ack, 60000)
    assert len(s.output()) == 8


def test_congestion_avoidance_grows_by_one_segment_a_round_trip() -> None:
    congestion = Congestion(1000)
    congestion.on_timeout(0, 20000)
    assert congestion.cwnd == 1000
    for _ in range(9):
        congestion.on_ack(1000, 0, 0)
    assert congestion.cwnd == 10000
    for _ in range(10):
        congestion.on_ack(1000, 30000, 40000)
    assert 10900 <= congestion.cwnd <= 11000


def test_rto_follows_rfc_6298() -> None:
    timeout = RetransmissionTimeout()
    assert timeout.rto == SECOND
    timeout.sample(2 * SECOND)
    assert timeout.rto == 6 * SECOND  # SRTT 2, RTTVAR 1
    timeout.sample(2 * SECOND)
    assert timeout.rto == 5 * SECOND  # RTTVAR 0.75
    timeout.back_off()
    assert timeout.rto == 10 * SECOND
    for _ in range(9):
        timeout.back_off()
    assert timeout.rto == RTO_MAX
    timeout.progress()
    assert timeout.rto == 5 * SECOND
    for _ in range(100):
        timeout.sample(1000)
    assert timeout.rto == SECOND


def test_no_round_trip_is_measured_on_a_repeated_segment() -> None:
    """Karn's algorithm: the ACK may be that of either copy."""
    s = Script()
    s.establish()
    s.tcp.send(b"abc")
    s.output()
    s.wait(2.9)
    s.peer("A", 1, 4)
    s.tcp.send(b"d")
    s.output()
    assert s.tcp.poll_at() == s.now + SECOND


def test_a_slow_peer_raises_the_timeout() -> None:
    s = Script()
    s.establish()
    s.tcp.send(b"abc")
    s.output()
    s.now += 900_000_000
    s.peer("A", 1, 4)
    s.tcp.send(b"d")
    s.output()
    assert s.tcp.poll_at() is not None
    assert (s.tcp.poll_at() or 0) - s.now > SECOND
