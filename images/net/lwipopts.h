/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lwIP for these images. LWIP_WITH_KERNEL (from the manifest) chooses threads; without it there is one loop. */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#ifdef LWIP_WITH_KERNEL
#define NO_SYS 0
#define LWIP_NETCONN 1
#define LWIP_SO_RCVTIMEO 1
#define LWIP_SO_SNDTIMEO 1
#define LWIP_TCPIP_CORE_LOCKING 1
#define TCPIP_THREAD_NAME "tcpip"
#define TCPIP_THREAD_STACKSIZE 3072 /* bytes */
#define TCPIP_THREAD_PRIO 4
#define TCPIP_MBOX_SIZE 16
#define DEFAULT_ACCEPTMBOX_SIZE 8
#define DEFAULT_TCP_RECVMBOX_SIZE 8
#define MEMP_NUM_NETCONN 12
void sys_mark_tcpip_thread(void);
void sys_check_core_locking(void);
#define LWIP_MARK_TCPIP_THREAD() sys_mark_tcpip_thread()
#define LWIP_ASSERT_CORE_LOCKED() sys_check_core_locking()
#else
#define NO_SYS 1
#define LWIP_NETCONN 0
#define SYS_LIGHTWEIGHT_PROT 0 /* interrupt handlers never call lwIP */
#endif
#define LWIP_SOCKET 0

#define LWIP_IPV4 1
#define LWIP_IPV6 0
#define LWIP_ARP 1
#define LWIP_ICMP 1
#define LWIP_RAW 0
#define LWIP_UDP 1
#define LWIP_TCP 1
#define LWIP_TCP_KEEPALIVE 1
#define TCP_LISTEN_BACKLOG 1

#define MEM_ALIGNMENT 4
#define MEM_SIZE (16 * 1024)
#define PBUF_POOL_SIZE 64
#define PBUF_POOL_BUFSIZE 512 /* a full frame takes three, and small segments do not waste much */
#define MEMP_NUM_TCP_PCB 12
#define MEMP_NUM_TCP_SEG 32
#define MEMP_NUM_SYS_TIMEOUT (LWIP_NUM_SYS_TIMEOUT_INTERNAL + 1) /* one of ours: the link check */
#define TCP_MSS 1460
#define TCP_WND (4 * TCP_MSS)
#define TCP_SND_BUF (4 * TCP_MSS)
#define TCP_SND_QUEUELEN 16

/* The MAC makes and checks all checksums (RM0090 33.5.3, 33.5.5); lwIP leaves ICMP's field 0 for it. */
#define CHECKSUM_GEN_IP 0
#define CHECKSUM_GEN_UDP 0
#define CHECKSUM_GEN_TCP 0
#define CHECKSUM_GEN_ICMP 0
#define CHECKSUM_CHECK_IP 0
#define CHECKSUM_CHECK_UDP 0
#define CHECKSUM_CHECK_TCP 0
#define CHECKSUM_CHECK_ICMP 0

#define LWIP_STATS 0

#endif
