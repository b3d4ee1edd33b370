# SPDX-License-Identifier: GPL-2.0-or-later
"""The Ethernet MAC with its DMA, MMC counters and time stamps (RM0090 chapter 33), as seen on the bus."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable
from typing import ClassVar

from stm32emu.peripherals import eth_checksum as offload
from stm32emu.peripherals import eth_dma as dma
from stm32emu.peripherals.clock import Clock, ClockTree, Event
from stm32emu.peripherals.eth_filter import AddressRegister, Settings, Verdict, judge
from stm32emu.peripherals.eth_phy import Phy
from stm32emu.peripherals.eth_ptp import BINARY, DIGITAL, PtpTime, Rate
from stm32emu.peripherals.eth_registers import EthRegisters
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.memory import BusError, Memory
from stm32emu.peripherals.register import Field, Register

R = EthRegisters
MINIMUM, FCS, PREAMBLE_AND_GAP, LONGEST = 60, 4, 20, 2048  # bytes; LONGEST is where jabber and watchdog timers cut off
MDC_DIVIDERS = (42, 62, 16, 26, 102, 102, 102, 102)  # HCLK cycles per MDC cycle, by MACMIIAR.CR
MDIO_BITS = 64
RESET_CYCLES = 64  # of the 50 MHz reference clock: a few crossings between the clock domains

NORMAL = 0x0000_4045  # DMASR bits that make up NIS: ERS, RS, TBUS, TS
ABNORMAL = 0x0000_27BA  # and AIS: FBES, ETS, RWTS, RPSS, RBUS, TUS, ROS, TJTS, TPSS


class Eth(EthRegisters):
    """The block with all four register groups.

    Frames pass in and out as bytes from the destination address to the end of the payload, without FCS, at the pace of
    the wire. `dropped` counts frames that got lost, by reason.

    Args:
        irq: the ETH interrupt; wkup_irq: the wake-up event (EXTI line 19).
        memory: what the DMA reaches (not CCM).
        phy: the PHY on the MDIO bus, whose link decides on the speed of the wire.
        on_frame: takes each frame that leaves.
    """

    MISSING: ClassVar[str] = (
        "PAUSE frames and back-pressure, remote wake-up frame filters, half-duplex collisions, PTP message filters and "
        "PPS output, MMC reset-on-read"
    )

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        tree: ClockTree,
        irq: IrqLine,
        wkup_irq: IrqLine,
        memory: Memory,
        phy: Phy,
        on_frame: Callable[[bytes], None],
        ledger: Ledger = NO_LEDGER,
    ) -> None:
        self.clock = clock
        self.tree = tree
        self.irq = irq
        self.wkup_irq = wkup_irq
        self.phy = phy
        self.on_frame = on_frame
        self.dropped: dict[str, int] = {}
        self._memory = memory
        self._cable: deque[tuple[bytes, bool]] = deque()
        self._events: dict[str, Event] = {}
        super().__init__(name, ledger=ledger)
        self._start_afresh()

    # Reset and interrupts

    def reset(self) -> None:
        """Power-on, RCC reset, or DMABMR.SR. Frames on their way on the cable find the receiver off."""
        for key in ("mdio", "transmit", "reset", "target"):
            self._cancel(key)
        self._tx.die()
        self._rx.die()
        super().reset()
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._tx = dma.TxDma(self, self._memory, self._bus_error, self._transmit)
        self._rx = dma.RxDma(self, self._memory, self._bus_error, self.clock, self._missed, self._update)
        self._held: tuple[bytes, int] | None = None
        self._ptp = PtpTime()
        self._addend = 0
        self._after("reset", self.tree.cycles(RESET_CYCLES, 50_000_000), self._reset_done)
        self._update()

    def _reset_done(self) -> None:
        self.DMABMR_SR = 0

    def _after(self, key: str, cycles: int, action: Callable[[], None]) -> None:
        self._events[key] = self.clock.after(cycles, action)

    def _cancel(self, key: str) -> None:
        if key in self._events:
            self._events[key].cancel()

    @R.DMAIER.on_write
    @R.DMASR.on_write
    @R.MACIMR.on_write
    @R.MMCRIMR.on_write
    @R.MMCTIMR.on_write
    def _written(self, _written: int) -> None:
        self._update()

    def _update(self) -> None:
        """Summary bits and interrupt lines (section 33.6.9): a summary bit is the OR of its group's enabled bits."""
        enabled = self.DMASR & self.DMAIER
        self.NIS, self.AIS = bool(enabled & NORMAL), bool(enabled & ABNORMAL)
        self.MMCRS, self.MMCTS = bool(self.MMCRIR & ~self.MMCRIMR), bool(self.MMCTIR & ~self.MMCTIMR)
        self.MMCS = self.MACSR_MMCS = self.MMCRS | self.MMCTS
        self.PMTS = self.MACSR_PMTS = self.MPR | self.WFR
        self.TSTS = self.MACSR_TSTS = self.TSTTR
        self.irq.set(
            (self.NIS & self.NISE) | (self.AIS & self.AISE) | self.MMCS
            | (self.PMTS & ~self.PMTIM) | (self.TSTS & ~self.TSTIM)
        )  # fmt: skip
        self.wkup_irq.set(self.PMTS)

    def _drop(self, reason: str) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1

    # MDIO (section 33.4.1, "Station management interface")

    @R.MACMIIAR.on_write
    def _mdio_start(self, written: int) -> None:
        if "mdio" in self._events and self._events["mdio"].pending:
            self.MB = 1
            self.ledger.illegal(self.name, R.MACMIIAR.offset, "MACMIIAR written while an access is under way (MB = 1)")
        elif self.MB:
            self._after("mdio", MDIO_BITS * MDC_DIVIDERS[self.MACMIIAR_CR], self._mdio_done)

    def _mdio_done(self) -> None:
        if self.MW:
            self.phy.write(self.PA, self.MR, self.MD)
        else:
            self.MD = self.phy.read(self.PA, self.MR)
        self.MB = 0

    # DMA registers

    @R.DMABMR.on_write
    def _bus_mode(self, written: int) -> None:
        if written & 1:
            self.reset()

    @R.DMAOMR.on_write
    def _operation_mode(self, _written: int) -> None:
        if self.FTF:
            self._flush()
        self._tx.switch(bool(self.ST and not self.FBES))
        self._rx.switch(bool(self.DMAOMR_SR and not self.FBES))
        self._update()

    @R.DMATDLAR.on_write
    def _tx_list(self, _written: int) -> None:
        self._new_list(self._tx, R.DMATDLAR, self.DMATDLAR)

    @R.DMARDLAR.on_write
    def _rx_list(self, _written: int) -> None:
        self._new_list(self._rx, R.DMARDLAR, self.DMARDLAR)

    def _new_list(self, engine: dma.Engine, register: Register, base: int) -> None:
        if engine.on:
            self.ledger.illegal(self.name, register.offset, f"{register.name} written while the DMA is running")
        engine.list.restart(base)

    @R.DMATPDR.on_write
    def _tx_poll(self, _written: int) -> None:
        self._tx.poll()
        self._update()

    @R.DMARPDR.on_write
    def _rx_poll(self, _written: int) -> None:
        self._rx.poll()
        self._update()

    def _bus_error(self, access: int, error: BusError) -> None:
        """Fatal: both engines stop until a reset (DMASR.FBES)."""
        self.ledger.illegal(self.name, R.DMASR.offset, f"the Ethernet DMA cannot reach {error.address:#010x}")
        self._tx.die()
        self._rx.die()
        self.FBES, self.EBS, self.TPS, self.RPS = 1, access, dma.STOPPED, dma.STOPPED
        self._update()

    def _missed(self) -> None:
        self._drop("no receive descriptor")
        self.MFC += 1
        self.OMFC |= not self.MFC

    # Transmission

    @R.MACCR.on_write
    def _configured(self, _written: int) -> None:
        if self.TE and self._held is not None:
            held, self._held = self._held, None
            self._transmit(*held)
            self._update()

    def _transmit(self, data: bytes, control: int) -> None:
        """A whole frame is in the FIFO, where it waits for the transmitter to be enabled."""
        if not self.TE:
            self._held = data, control
            return
        inserted = self._insert_checksums(data, control)
        status = (inserted.header_error and dma.IHE) | (inserted.payload_error and dma.IPE)
        frame, fate = self._to_wire(inserted.frame, control)
        bits = 8 * (len(frame) + FCS + PREAMBLE_AND_GAP)
        speed = 100_000_000 if self.FES else 10_000_000
        self._after("transmit", self.tree.cycles(bits, speed), lambda: self._sent(frame, control, status, fate))

    def _insert_checksums(self, data: bytes, control: int) -> offload.Insertion:
        """Section 33.5.2: only in store-and-forward mode."""
        insertion = control >> dma.CIC_SHIFT & 3
        if insertion and not self.TSF:
            self.ledger.illegal(self.name, R.DMAOMR.offset, "TDES0.CIC has no effect without store-and-forward (TSF)")
            return offload.Insertion(data)
        result = offload.insert(data, insertion)
        if result.stale_icmp:
            self.ledger.illegal(self.name, R.DMAOMR.offset, "ICMP checksum field not 0x0000 with checksum insertion")
        return result

    def _to_wire(self, data: bytes, control: int) -> tuple[bytes, str]:
        """Padding and FCS (TDES0.DP and DC): the frame without FCS, and why nobody would take it, if so."""
        if len(data) < MINIMUM and not control & dma.DP:
            return data.ljust(MINIMUM, b"\0"), ""
        fate = ""
        if control & dma.DC:
            data, fcs = data[:-FCS], data[-FCS:]
            fate = "" if fcs == frame_check_sequence(data) else "sent with a bad FCS"
        if len(data) < MINIMUM:
            fate = "sent shorter than 64 bytes"
        return data, "sent longer than 2048 bytes" if len(data) > LONGEST - FCS else fate

    def _sent(self, frame: bytes, control: int, status: int, fate: str) -> None:
        """The last bit is out: the frame's status goes back to its descriptor."""
        self._deliver(frame, fate)
        self._count(R.MMCTGFCR, R.TGFS)
        stamp = self._stamp() if control & dma.TTSE and self.TSE else None
        status |= (dma.TX_ES if status else 0) | (dma.TTSS if stamp else 0)
        self._tx.close(status, stamp)
        self._update()

    def _deliver(self, frame: bytes, fate: str) -> None:
        link = self.phy.link
        if fate:
            self._drop(fate)
        elif self.LM or self.phy.loopback:
            self._enqueue(frame, False)
        elif link is None:
            self._drop("sent without a link")
        else:
            if link.mbit != (100 if self.FES else 10):
                self.ledger.illegal(self.name, R.MACCR.offset, f"MACCR.FES does not fit the link's {link.mbit} Mbit/s")
            self.on_frame(frame)

    def _flush(self) -> None:
        """DMAOMR.FTF: a frame in the transmit FIFO is given up."""
        self.FTF = 0
        if self._held is not None or ("transmit" in self._events and self._events["transmit"].pending):
            self._cancel("transmit")
            self._held = None
            self._drop("flushed from the transmit FIFO")
            self._tx.close(dma.FF | dma.TX_ES)

    # Reception

    def receive(self, frame: bytes, *, bad_fcs: bool = False) -> None:
        """A frame comes along the cable, behind those still under way; a short one is padded to 60 bytes.

        `bad_fcs` lets it arrive damaged.
        """
        if self.phy.link is None:
            self._drop("received without a link")
        else:
            self._enqueue(frame.ljust(MINIMUM, b"\0"), bad_fcs)

    def _enqueue(self, frame: bytes, bad_fcs: bool) -> None:
        self._cable.append((frame, bad_fcs))
        if len(self._cable) == 1:
            self._await_arrival()

    def _await_arrival(self) -> None:
        bits = 8 * (len(self._cable[0][0]) + FCS + PREAMBLE_AND_GAP)
        speed = self.phy.link.mbit * 1_000_000 if self.phy.link else 100_000_000
        self._after("receive", self.tree.cycles(bits, speed), self._arrived)

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
        if len(frame) > LONGEST - FCS:
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
        others = [n for n in range(3) if self.AE[n]]
        addresses = [AddressRegister.read(self.MACAHR[n], self.MACALR[n]) for n in others]
        first = AddressRegister.read(self.MACA0HR & 0xFFFF, self.MACA0LR)
        return Settings(self.MACFFR, self.MACHTHR << 32 | self.MACHTLR, [first, *addresses])

    def _to_fifo(self, frame: bytes, bad_fcs: bool, verdict: Verdict) -> str:
        result = offload.check(frame) if self.IPCO else offload.Check()
        forwards_errors = self.FEF or not self.RSF  # in threshold mode the frame has begun to leave the FIFO
        if bad_fcs and not forwards_errors:
            return "bad FCS"
        if (result.header_error or result.payload_error) and not (forwards_errors or self.DTCEFD):
            return "bad IP, TCP, UDP or ICMP checksum"
        stamp = self._stamp() if self.TSE and self.TSSARFE else None
        status, extended = self._receive_status(frame, result)
        status |= (dma.CE | dma.RX_ES if bad_fcs else 0) | (verdict.destination_fails and dma.AFM)
        status |= (verdict.source_fails and dma.SAF) | (dma.IPHCE_TSV if stamp and self.EDFE else 0)
        if self._rx.push(dma.RxFrame(self._stored(frame, bad_fcs), status, extended, stamp)):
            return ""
        self.ROS = 1
        self.MFA += 1
        self.OFOC |= not self.MFA
        return "receive FIFO full"

    def _stored(self, frame: bytes, bad_fcs: bool) -> bytes:
        """The bytes the FIFO gets: with the FCS, unless APCS strips it (and padding) from a frame with a length field,
        or CSTF from one with a type field."""
        kind = int.from_bytes(frame[12:14], "big")
        if kind < offload.FIRST_TYPE and self.APCS:
            return frame[: 14 + kind] if kind <= 1500 else frame
        if kind >= offload.FIRST_TYPE and self.CSTF:
            return frame
        fcs = frame_check_sequence(frame)
        return frame + (bytes(byte ^ 0xFF for byte in fcs) if bad_fcs else fcs)

    def _receive_status(self, frame: bytes, result: offload.Check) -> tuple[int, int]:
        """RDES0 and RDES4 as far as they describe the frame itself (section 33.6.8)."""
        kind = int.from_bytes(frame[12:14], "big")
        status = dma.VLAN if self._is_vlan(frame) else 0
        if kind < offload.FIRST_TYPE:
            return status | (dma.LE if 14 + max(kind, MINIMUM - 14) != len(frame) else 0), 0
        if not self.IPCO:
            return status | dma.FT, 0
        if self.EDFE:
            return status | dma.FT | dma.PCE_ESA, extended_status(result)
        return status | normal_status(result), 0

    def _is_vlan(self, frame: bytes) -> bool:
        mask = 0x0FFF if self.VLANTC else 0xFFFF
        wanted, tag = self.VLANTI & mask, int.from_bytes(frame[14:16], "big") & mask
        return frame[12:14] == b"\x81\x00" and wanted in (0, tag)

    # Power management (section 33.5.8)

    def _look_for_wakeup(self, frame: bytes, bad_fcs: bool) -> None:
        own = AddressRegister.read(self.MACA0HR & 0xFFFF, self.MACA0LR).address
        if self.MPE and not bad_fcs and b"\xff" * 6 + own * 16 in frame[12:]:
            self.MPR, self.PD = 1, 0
        elif self.WFE and self.GU and not bad_fcs and not frame[0] & 1:
            self.WFR, self.PD = 1, 0

    @R.MACPMTCSR.on_read
    def _read_pmt(self) -> int:
        return self._read_and_clear(R.MACPMTCSR, R.MPR, R.WFR)

    @R.MMCRIR.on_read
    def _read_mmc_receive(self) -> int:
        return self._read_and_clear(R.MMCRIR, *R.MMCRIR.fields)

    @R.MMCTIR.on_read
    def _read_mmc_transmit(self) -> int:
        return self._read_and_clear(R.MMCTIR, *R.MMCTIR.fields)

    @R.PTPTSSR.on_read
    def _read_time_stamp_status(self) -> int:
        return self._read_and_clear(R.PTPTSSR, *R.PTPTSSR.fields)

    def _read_and_clear(self, register: Register, *fields: Field) -> int:
        word = self.words[register.index]
        for each in fields:
            each.__set__(self, 0)
        self._update()
        return word

    # MMC counters (section 33.5.7)

    def _count(self, counter: Register, half_way: Field) -> None:
        value = self.words[counter.index]
        if not self.MCF and not (self.CSR and value == 0xFFFF_FFFF):
            self.words[counter.index] = value + 1 & 0xFFFF_FFFF
            if value + 1 == 0x8000_0000:
                half_way.__set__(self, 1)

    @R.MMCCR.on_write
    def _mmc_control(self, _written: int) -> None:
        """Counter reset and preset (to 16 below half or full); both bits clear themselves."""
        if self.MMCCR_CR or self.MCP:
            value = 0 if self.MMCCR_CR else 0xFFFF_FFF0 if self.MCFHP else 0x7FFF_FFF0
            for counter in COUNTERS:
                self.words[counter.index] = value
        self.MMCCR_CR = self.MCP = 0

    # Time stamps (section 33.5.9)

    def _stamp(self) -> tuple[int, int]:
        return self._ptp.read(self.clock.now)

    @R.PTPSSIR.on_write
    @R.PTPTTHR.on_write
    @R.PTPTTLR.on_write
    @R.PTPTSCR.on_write
    def _time_control(self, _written: int) -> None:
        now = self.clock.now
        if self.TTSARU:
            self._addend = self.PTPTSAR
        rollover = DIGITAL if self.TSSSR else BINARY
        self._ptp.set_rate(now, Rate(bool(self.TSE), self.STSSI, self._addend, bool(self.TSFCU), rollover))
        if self.TSSTI:
            self._ptp.set(now, self.PTPTSHUR, self.TSUSS)
        elif self.TSSTU:
            self._ptp.adjust(now, self.PTPTSHUR, self.TSUSS, bool(self.TSUPNS))
        self.TTSARU = self.TSSTI = self.TSSTU = 0
        self._cancel("target")
        cycles = self._ptp.cycles_until(now, self.PTPTTHR, self.PTPTTLR) if self.TSITE else None
        if cycles is not None:
            self._after("target", cycles, self._target_reached)

    def _target_reached(self) -> None:
        self.TSTTR, self.TSITE = 1, 0
        self._update()

    @R.PTPTSHR.value
    def _seconds(self) -> int:
        return self._stamp()[0]

    @R.PTPTSLR.value
    def _subseconds(self) -> int:
        return self._stamp()[1]

    @R.MACDBGR.value
    def _debug(self) -> int:
        sending = "transmit" in self._events and self._events["transmit"].pending
        fill = self._rx.fill
        self.MMTEA, self.MTFCS, self.TFNE, self.TFRS = sending, 3 * sending, sending or self._held is not None, sending
        self.RFFL = 0 if not fill else 3 if fill > dma.FIFO_BYTES - MINIMUM else 2
        return self.MACDBGR


COUNTERS = (R.MMCTGFSCCR, R.MMCTGFMSCCR, R.MMCTGFCR, R.MMCRFCECR, R.MMCRFAECR, R.MMCRGUFCR)
PAYLOAD_TYPES = {offload.UDP: 1, offload.TCP: 2, offload.ICMP: 3, offload.ICMPV6: 3}  # RDES4.IPPT


def frame_check_sequence(frame: bytes) -> bytes:
    """The FCS in the order of the wire (IEEE 802.3 section 3.2.9)."""
    return zlib.crc32(frame).to_bytes(4, "little")


def extended_status(result: offload.Check) -> int:
    """RDES4 bits 7:0: IPV6PR, IPV4PR, IPCB, IPPE, IPHE, IPPT."""
    flags = (result.version == 6) << 7 | (result.version == 4) << 6 | result.bypassed << 5
    return flags | result.payload_error << 4 | result.header_error << 3 | PAYLOAD_TYPES.get(result.protocol, 0)


def normal_status(result: offload.Check) -> int:
    """RDES0 bits 7, 5 and 0 of a frame with a type field, in the normal descriptor format (table "Frame statuses")."""
    if not result.version:
        return dma.IPHCE_TSV | dma.PCE_ESA
    if result.bypassed and not result.header_error:
        return dma.PCE_ESA
    return dma.FT | (result.header_error and dma.IPHCE_TSV) | (result.payload_error and dma.PCE_ESA)
