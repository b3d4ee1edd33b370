@ SPDX-License-Identifier: GPL-2.0-or-later
@ What all programs of a fuzz image share: the vector table, the runner, the one handler for every exception, the log.
@ Symbols in capitals come from layout.py.
.syntax unified
.cpu cortex-m4
.fpu fpv4-sp-d16
.thumb

.equ SCS, 0xE000E000
.equ USART_DR, 0x40011004
.equ ISER, 0xE000E100
.equ ICER, 0xE000E180
.equ ISPR, 0xE000E200
.equ ICPR, 0xE000E280
.equ IPR, 0xE000E400
.equ ICSR, 0xE000ED04
.equ VTOR, 0xE000ED08
.equ AIRCR, 0xE000ED0C
.equ CCR, 0xE000ED14
.equ SHPR, 0xE000ED18 - 4           @ a byte for each exception number
.equ SHCSR, 0xE000ED24
.equ CFSR, 0xE000ED28
.equ HFSR, 0xE000ED2C
.equ CPACR, 0xE000ED88
.equ MPU_CTRL, 0xE000ED94
.equ MPU_RBAR, 0xE000ED9C
.equ MPU_RASR, 0xE000EDA0
.equ STIR, 0xE000EF00
.equ FPCCR, 0xE000EF34
.equ FPDSCR, 0xE000EF3C

@ --- Words that programs use ---------------------------------------------------------------------------------------

.macro put address, value           @ a word to memory
    ldr r0, =\address
    ldr r1, =\value
    str r1, [r0]
.endm
.macro put_byte address, value
    ldr r0, =\address
    movs r1, #\value
    strb r1, [r0]
.endm
.macro set register, value          @ a special register
    ldr r0, =\value
    msr \register, r0
    isb
.endm
.macro expect label                 @ a fault from here on resumes at the label
    ldr r0, =CONTROL_BLOCK + RESUME
    ldr r1, =\label
    str r1, [r0]
.endm
.macro expect_end
    ldr r0, =CONTROL_BLOCK + RESUME
    movs r1, #0
    str r1, [r0]
.endm
.macro note number                  @ log r0 to r3, the flags and CONTROL
    movs r4, #\number
    bl take_note
.endm
.macro frame register               @ in a handler's body: the frame that its EXC_RETURN, at [sp, #16], stands for
    ldr \register, [sp, #16]
    tst \register, #4
    ite eq
    addeq \register, sp, #20
    mrsne \register, psp
.endm

.section .text
vectors:
    .word MSP_TOP, Reset_Handler
    .rept VECTORS - 2
    .word handler
    .endr

@ --- The runner: every program starts from a system reset ----------------------------------------------------------

.thumb_func
.global Reset_Handler
Reset_Handler:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
    mov r\n, #0                     @ unknown after reset, B1.5.5
    .endr
    msr apsr_nzcvq, r0
    ldr r4, =CONTROL_BLOCK
next_program:
    ldr r0, [r4, #NEXT]
    ldr r1, [r4, #COUNT]
    cmp r0, r1
    bhs finished
    ldr r2, [r4, #LOG_USED]
    ldr r3, =LOG_END - LOG - LOG_ROOM
    cmp r2, r3
    bhs finished
    adds r1, r0, #1
    str r1, [r4, #NEXT]
    ldr r1, [r4, #START]
    adds r5, r0, r1
    lsrs r0, r5, #5
    add r1, r4, #SKIP
    ldr r0, [r1, r0, lsl #2]
    and r1, r5, #31
    lsrs r0, r1
    lsls r0, #31
    bmi next_program

    add r0, r4, #RESUME             @ clear everything from the control block to the stacks
    ldr r1, =MPU_AREA
    movs r2, #0
1:  str r2, [r0], #4
    cmp r0, r1
    blo 1b
    ldr r1, =LOG
    ldr r2, =0x47704770             @ BX LR
1:  str r2, [r0], #4
    cmp r0, r1
    blo 1b
    ldr r0, [r4, #FLAGS]
    tst r0, #ANNOUNCE
    it ne
    ldrne r1, =USART_DR
    it ne
    strne r5, [r1]
    ldr r2, [r4, #LOG_USED]
    ldr r0, =LOG
    add r2, r0
    add r3, r2, #4
    mov r0, r5
    add r0, #BEGIN << 28
    bl close_record
    ldr r0, =programs
    add r0, r0, r5, lsl #4
    ldmia r0, {r0-r3}
    str r1, [r4, #OTHER_ENTRY]
    str r2, [r4, #HANDLERS]
    str r3, [r4, #OPTIONS]
    tst r3, #OPTION_FPU
    beq 1f
    ldr r1, =CPACR
    mov r2, #0x00F00000
    str r2, [r1]
    dsb
    isb
    ldr r1, =next_program           @ numbers of some kind
    vldmia r1, {s0-s15}
    movs r1, #0
    vmsr fpscr, r1
1:  bx r0

finished:
    ldr r0, [r4, #FLAGS]
    tst r0, #ANNOUNCE
    beq 1f
    ldr r1, =USART_DR
    movs r0, #0xFF
    .rept 8
    str r0, [r1]
    .endr
1:  wfi
    b 1b
    .ltorg

@ --- The log -------------------------------------------------------------------------------------------------------

@ Close the record from r2 to r3 with the head r0, less its length. Uses r1.
close_record:
    subs r1, r3, r2
    add r0, r0, r1, lsl #14
    str r0, [r2]
    ldr r1, =LOG
    subs r0, r3, r1
    ldr r1, =CONTROL_BLOCK
    str r0, [r1, #LOG_USED]
    ldr r0, [r1, #RECORDS]
    adds r0, #1
    str r0, [r1, #RECORDS]
    ldr r0, [r1, #FLAGS]
    tst r0, #EMIT
    beq 2f
    ldr r1, =USART_DR
1:  ldrb r0, [r2], #1
    str r0, [r1]
    cmp r2, r3
    bne 1b
2:  movs r1, #0                     @ the same flags in either case
    msr apsr_nzcvq, r1
    bx lr

@ r0 to r3, APSR and CONTROL under the number in r4; uses r4 to r7.
take_note:
    mov r7, lr
    mrs r6, apsr
    ldr r5, =CONTROL_BLOCK
    ldr r5, [r5, #LOG_USED]
    add r5, #LOG & 0xFF000000
    add r5, #LOG & 0x00FFFFFF
    str r0, [r5, #4]
    str r1, [r5, #8]
    str r2, [r5, #12]
    str r3, [r5, #16]
    str r6, [r5, #20]
    mrs r0, control
    str r0, [r5, #24]
    mov r2, r5
    add r3, r5, #28
    add r0, r4, #NOTE << 28
    bl close_record
    ldr r0, [r5, #4]
    ldr r1, [r5, #8]
    ldr r2, [r5, #12]
    ldr r3, [r5, #16]
    msr apsr_nzcvq, r6
    bx r7
    .ltorg

@ --- Every exception comes here. No stack is used before it is known to be good. ------------------------------------

.thumb_func
handler:
    ldr r1, =CONTROL_BLOCK
    ldr r2, [r1, #LOG_USED]
    ldr r3, =LOG
    add r2, r3
    add r3, r2, #4
    str lr, [r3], #4
    ldr r1, =SCS
    ldr r0, [r1, #0xD04]            @ ICSR
    str r0, [r3], #4
    ldr r0, [r1, #0xD24]            @ SHCSR
    str r0, [r3], #4
    ldr r0, [r1, #0xD2C]            @ HFSR
    str r0, [r3], #4
    ldr r0, [r1, #0xD28]            @ CFSR
    str r0, [r3], #4
    lsls r12, r0, #24               @ MMARVALID, else MMFAR is unknown (B3.2.18)
    ite mi
    ldrmi r12, [r1, #0xD34]
    movpl r12, #0
    str r12, [r3], #4
    lsls r12, r0, #16               @ BFARVALID
    ite mi
    ldrmi r12, [r1, #0xD38]
    movpl r12, #0
    str r12, [r3], #4
    ldr r0, [r1, #0x200]            @ pending
    str r0, [r3], #4
    ldr r0, [r1, #0x300]            @ active
    str r0, [r3], #4
    mrs r0, control
    str r0, [r3], #4
    mrs r0, primask
    mrs r12, faultmask
    orr r0, r0, r12, lsl #1
    mrs r12, basepri
    orr r0, r0, r12, lsl #8
    str r0, [r3], #4
    tst lr, #4
    ite eq
    moveq r12, sp
    mrsne r12, psp
    str r12, [r3], #4
    ldr r1, =RAM
    subs r0, r12, r1
    ldr r1, =LOG - RAM - 104
    cmp r0, r1
    bhi 2f
    .rept 8
    ldr r0, [r12], #4
    str r0, [r3], #4
    .endr
    tst lr, #0x10
    bne 2f
    ldr r1, =CONTROL_BLOCK
    ldr r0, [r1, #OPTIONS]
    tst r0, #OPTION_LAZY
    bne 1f
    ldr r1, =CPACR                  @ a fragment may have turned it off
    mov r0, #0x00F00000
    str r0, [r1]
    dsb
    isb
    vmrs r0, fpscr                  @ any FP instruction has lazily stacked registers written
    .rept 17
    ldr r0, [r12], #4
    str r0, [r3], #4
    .endr
    b 2f
1:  ldr r1, =SCS
    ldr r0, [r1, #0xF34]            @ FPCCR, less the UFRDY of ARMv8-M
    bic r0, #0x400
    str r0, [r3], #4
    ldr r0, [r1, #0xF38]            @ FPCAR
    str r0, [r3], #4
2:  mov r12, lr
    mrs r0, ipsr
    add r0, #ENTRY << 28
    bl close_record
    mov lr, r12

    ldr r1, =CONTROL_BLOCK
    ldr r0, [r1, #OPTIONS]
    tst r0, #OPTION_NOT_LAZY
    beq 4f
    ldr r0, =CPACR
    mov r2, #0x00F00000
    str r2, [r0]
    dsb
    isb
    ldr r0, =next_program           @ registers that were stacked are unknown, B1.5.7
    vldmia r0, {s0-s15}
    movs r0, #0
    vmsr fpscr, r0
4:
    ldr r0, [r1, #ENDING]
    cmp r0, #0
    bne end
    ldr r0, [r1, #RECORDS]
    cmp r0, #MAX_RECORDS
    bhs end
    mov r0, sp                      @ a stack that went astray ends the program
    ldr r2, =MSP_BOTTOM + 0x100
    cmp r0, r2
    blo end
    tst lr, #4
    ite eq
    moveq r2, sp
    mrsne r2, psp
    ldr r3, =RAM
    subs r0, r2, r3
    ldr r3, =LOG - RAM - 32
    cmp r0, r3
    bhi end

    mrs r0, ipsr                    @ a fault: the frame at r2 is made to return to where it was expected
    subs r3, r0, #3
    cmp r3, #3
    bhi run_body
    ldr r3, [r1, #RESUME]
    cbnz r3, 3f
    ldr r3, =SCS                    @ a HardFault for a vector that cannot be read happened to nobody: just return
    ldr r3, [r3, #0xD2C]
    lsls r3, #30
    bpl unexpected
    b run_body
3:  str r3, [r2, #24]
    movs r3, #0
    str r3, [r1, #RESUME]
    ldr r3, [r2, #28]
    bic r3, #0x06000000
    bic r3, #0x0000FC00
    orr r3, #0x01000000
    str r3, [r2, #28]

run_body:                           @ r0: exception, r1: control block
    add r2, r1, #RUNS
    ldrb r3, [r2, r0]
    cmp r3, #MAX_RUNS
    it hs
    bxhs lr
    adds r3, #1
    strb r3, [r2, r0]
    ldr r1, [r1, #HANDLERS]
    ldr r1, [r1, r0, lsl #2]
    cmp r1, #0
    it eq
    bxeq lr
    push {r4-r7, lr}
    bx r1
.global body_done
body_done:                          @ three ways to return from an exception, B1.5.8
    ldr r1, =CONTROL_BLOCK
    ldr r0, [r1, #OPTIONS]
    tst r0, #OPTION_POP_PC
    bne 1f
    tst r0, #OPTION_LDR_PC
    bne 2f
    pop {r4-r7, lr}
    bx lr
1:  pop {r4-r7, pc}
2:  pop {r4-r7}
    ldr pc, [sp], #4
    .ltorg

@ --- Ends ----------------------------------------------------------------------------------------------------------

unexpected:                         @ a fault that no fragment announced
    ldr r2, [r1, #LOG_USED]
    ldr r3, =LOG
    add r2, r3
    add r3, r2, #4
    ldr r0, =UNEXPECTED << 28
    bl close_record
    b end

.global program_end
program_end:                        @ the thread has come to its end, privileged or not
    ldr r1, =CONTROL_BLOCK
    movs r0, #1
    str r0, [r1, #ENDING]
    mrs r0, control
    lsls r0, #31
    bpl end
    svc #0
end:                                @ privileged; no stack is used
    ldr r1, =CONTROL_BLOCK
    ldr r2, [r1, #LOG_USED]
    ldr r3, =LOG
    add r2, r3
    add r3, r2, #4
    ldr r1, =SCS
    ldr r0, [r1, #0xD04]            @ ICSR
    str r0, [r3], #4
    ldr r0, [r1, #0xD24]            @ SHCSR
    str r0, [r3], #4
    ldr r0, [r1, #0xD2C]            @ HFSR
    str r0, [r3], #4
    ldr r0, [r1, #0xD28]            @ CFSR
    str r0, [r3], #4
    ldr r0, [r1, #0x200]
    str r0, [r3], #4
    ldr r0, [r1, #0x300]
    str r0, [r3], #4
    mrs r0, primask
    mrs r12, faultmask
    orr r0, r0, r12, lsl #1
    mrs r12, basepri
    orr r0, r0, r12, lsl #8
    str r0, [r3], #4
    mrs r0, control
    str r0, [r3], #4
    mrs r0, psp
    str r0, [r3], #4
    ldr r12, =SCRATCH
    .rept SCRATCH_WORDS
    ldr r0, [r12], #4
    str r0, [r3], #4
    .endr
    ldr r1, =CONTROL_BLOCK
    ldr r0, [r1, #OPTIONS]
    tst r0, #OPTION_FPU
    beq 1f
    ldr r1, =CPACR
    mov r0, #0x00F00000
    str r0, [r1]
    dsb
    isb
    ldr r1, =FPCCR                  @ what waits to be stacked nowhere is forgotten
    ldr r0, [r1, #4]
    ldr r12, =RAM
    sub r0, r0, r12
    ldr r12, =RAM_END - RAM - 72
    cmp r0, r12
    ittt hi
    ldrhi r0, [r1]
    bichi r0, #1
    strhi r0, [r1]
    vstmia r3!, {s0-s15}
    vmrs r0, fpscr
    str r0, [r3], #4
1:  ldr r0, =END << 28
    bl close_record
    ldr r1, =SCS
    ldr r0, =0x05FA0004             @ AIRCR.SYSRESETREQ
    str r0, [r1, #0xD0C]
    dsb
1:  b 1b
    .ltorg
