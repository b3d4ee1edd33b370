# SPDX-License-Identifier: GPL-2.0-or-later
"""The receive half of the Ethernet block: from the wire through filters and checks into the FIFO."""

from __future__ import annotations

from stm32emu.peripherals import eth_checksum as offload
from stm32emu.peripherals import eth_descriptors as d
from stm32emu.peripherals import eth_dma as dma
from stm32emu.peripherals.eth_block import LONGEST, MINIMUM, EthBlock, frame_check_sequence
from stm32emu.peripherals.eth_filter import AddressRegister, Settings, Verdict, judge
from stm32emu.peripherals.eth_registers import EthRegisters as R

CABLE = 1024  # frames that may be on their way here, as in the buffer of a switch's port
PAYLOAD_TYPES = {offload.UDP: 1, offload.TCP: 2, offload.ICMP: 3, offload.ICMPV6: 3}  # RDES4.IPPT


def extended_status(result: offload.Check) -> int:
    """RDES4 bits 7:0: IPV6PR, IPV4PR, IPCB, IPPE, IPHE, IPPT."""
    flags = (result.version == 6) << 7 | (result.version == 4) << 6 | result.bypassed << 5
    return flags | result.payload_error << 4 | result.header_error << 3 | PAYLOAD_TYPES.get(result.protocol, 0)


def normal_status(result: offload.Check) -> int:
    """RDES0 bits 7, 5 and 0 of a frame with a type field, in the normal descriptor format (table "Frame statuses")."""
    if not result.version:
        return d.IPHCE_TSV | d.PCE_ESA
    if result.bypassed and not result.header_error:
        return d.PCE_ESA
    return d.FT | (result.header_error and d.IPHCE_TSV) | (result.payload_error and d.PCE_ESA)


class EthReceiver(EthBlock):
    """Takes frames off the cable one after the other, at the pace of the link (RM0090 sections 33.5.3, 33.6.6)."""

    def _clear(self) -> None:
        super()._clear()
        self._rx = dma.RxDma(self, self._memory, self._bus_error, self._missed, self._completed)

    @R.DMARDLAR.on_write
    def _rx_list(self, _written: int) -> None:
        if self._rx.on:
            self._illegal(R.DMARDLAR, "DMARDLAR written while the receive DMA is running")
        self._rx.list.restart(self.DMARDLAR)

    @R.DMARPDR.on_write
    def _rx_poll(self, _written: int) -> None:
        self._rx.poll()
        self._update()

    def receive(self, frame: bytes, *, bad_fcs: bool = False) -> None:
        """A frame comes along the cable, behind those still under way; a short one is padded to 60 bytes.

        `bad_fcs` lets it arrive damaged.
        """
        if self.phy.link is None:
            self._drop("received without a link")
        else:
            self._enqueue(frame.ljust(MINIMUM, b"\0"), bad_fcs)

    def _enqueue(self, frame: bytes, bad_fcs: bool) -> None:
        if len(self._cable) >= CABLE:
            self._drop("too many at once for the cable")
            return
        self._cable.append((frame, bad_fcs))
        if len(self._cable) == 1:
            self._await_arrival()

    def _await_arrival(self) -> None:
        mbit = self.phy.link.mbit if self.phy.link else 100
        self.clock.after(self._wire_time(self._cable[0][0], mbit), self._arrived)

    def _arrived(self) -> None:
        frame, bad_fcs = self._cable.popleft()
        if self._cable:
            self._await_arrival()
        reason = self._accept(frame, bad_fcs)
        if reason:
            self._drop(reason)
        self._update()

    def _accept(self, frame: bytes, bad_fcs: bool) -> str:
        """Through filter and checks into the FIFO; otherwise the reason why not."""
        if not self.RE:
            return "receiver off (MACCR.RE)"
        if len(frame) > LONGEST:
            return "longer than 2048 bytes"
        verdict = judge(frame, self._filter_settings())
        if not verdict.passes:
            return "address filter"
        if bad_fcs:
            self._count(R.MMCRFCECR, R.RFCES)
        elif not frame[0] & 1:
            self._count(R.MMCRGUFCR, R.RGUFS)
        if self.PD:
            self._look_for_wakeup(frame, bad_fcs)
            return "power-down (MACPMTCSR.PD)"
        return self._to_fifo(frame, bad_fcs, verdict)

    def _filter_settings(self) -> Settings:
        addresses = [AddressRegister.read(self.MACA0H, self.MACA0LR)]
        addresses += [AddressRegister.read(self.MACAHR[n], self.MACALR[n]) for n in range(3) if self.AE[n]]
        return Settings(self.MACFFR, self.MACHTHR << 32 | self.MACHTLR, addresses)

    def _to_fifo(self, frame: bytes, bad_fcs: bool, verdict: Verdict) -> str:
        result = offload.check(frame) if self.IPCO else offload.Check()
        forwards_errors = self.FEF or not self.RSF  # in threshold mode the frame has begun to leave the FIFO
        if bad_fcs and not forwards_errors:
            return "bad FCS"
        if (result.header_error or result.payload_error) and not (forwards_errors or self.DTCEFD):
            return "bad IP, TCP, UDP or ICMP checksum"
        stamp = self._stamp() if self.TSE and self.TSSARFE else None
        status, extended = self._status(frame, result)
        status |= (d.CE | d.RX_ES if bad_fcs else 0) | (d.IPHCE_TSV if stamp and self.EDFE else 0)
        status |= (verdict.destination_fails and d.AFM) | (verdict.source_fails and d.SAF)
        if self._rx.push(dma.RxFrame(self._stored(frame, bad_fcs), status, extended, stamp)):
            return ""
        self.ROS = 1
        self.MFA += 1
        self.OFOC |= not self.MFA
        return "receive FIFO full"

    def _missed(self) -> None:
        self._drop("no receive descriptor")
        self.MFC += 1
        self.OMFC |= not self.MFC

    def _completed(self, interrupt: bool) -> None:
        """RS, at once or, for descriptors that ask for none, when the watchdog of DMARSWTR expires."""
        if interrupt:
            self._cancel("watchdog")
            self.RS, self.ERS = 1, 0
        elif self.RSWTC and not self._waits_for("watchdog"):
            self._after("watchdog", 256 * self.RSWTC, self._watchdog_expired)

    def _watchdog_expired(self) -> None:
        self.RS, self.ERS = 1, 0
        self._update()

    def _stored(self, frame: bytes, bad_fcs: bool) -> bytes:
        """The bytes the FIFO gets: with the FCS, unless APCS strips it (and padding) from a frame with a length field,
        or CSTF from one with a type field."""
        kind = int.from_bytes(frame[12:14], "big")
        if kind <= 1500 and self.APCS:
            return frame[: 14 + kind]
        if kind >= offload.FIRST_TYPE and self.CSTF:
            return frame
        fcs = frame_check_sequence(frame)
        return frame + (bytes(byte ^ 0xFF for byte in fcs) if bad_fcs else fcs)

    def _status(self, frame: bytes, result: offload.Check) -> tuple[int, int]:
        """RDES0 and RDES4 as far as they describe the frame itself (section 33.6.8)."""
        kind = int.from_bytes(frame[12:14], "big")
        status = d.VLAN if self._is_vlan(frame) else 0
        if kind < offload.FIRST_TYPE:
            return status | (d.LE if max(14 + kind, MINIMUM) != len(frame) else 0), 0
        if not self.IPCO:
            return status | d.FT, 0
        if self.EDFE:
            return status | d.FT | d.PCE_ESA, extended_status(result)
        return status | normal_status(result), 0

    def _is_vlan(self, frame: bytes) -> bool:
        """A VLAN tag that MACVLANTR wants; 0 there wants any."""
        mask = 0x0FFF if self.VLANTC else 0xFFFF
        wanted, tag = self.VLANTI & mask, int.from_bytes(frame[14:16], "big") & mask
        return frame[12:14] == b"\x81\x00" and wanted in (0, tag)

    def _look_for_wakeup(self, frame: bytes, bad_fcs: bool) -> None:
        """Magic packets, and with GU any unicast frame that passes the filter (section 33.5.8)."""
        own = self.MACA0LR.to_bytes(4, "little") + self.MACA0H.to_bytes(2, "little")
        if self.MPE and not bad_fcs and b"\xff" * 6 + own * 16 in frame[12:]:
            self.MPR, self.PD = 1, 0
        elif self.WFE and self.GU and not bad_fcs and not frame[0] & 1:
            self.WFR, self.PD = 1, 0
