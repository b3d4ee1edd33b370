/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Doubly linked circular lists, in the layout RTOS-aware debuggers expect. */
#ifndef LIST_H
#define LIST_H

#include "FreeRTOS.h"

struct xLIST;

/* may_alias: the sentinel, a MiniListItem_t, is reached through pointers to ListItem_t, whose first members it shares. */
typedef struct __attribute__((may_alias)) xLIST_ITEM {
    TickType_t xItemValue; /* Sort key. */
    struct xLIST_ITEM *pxNext;
    struct xLIST_ITEM *pxPrevious;
    void *pvOwner; /* The TCB this item is part of. */
    struct xLIST *pvContainer; /* The list it is in, or NULL. */
} ListItem_t;

typedef struct __attribute__((may_alias)) xMINI_LIST_ITEM {
    TickType_t xItemValue;
    struct xLIST_ITEM *pxNext;
    struct xLIST_ITEM *pxPrevious;
} MiniListItem_t;

typedef struct xLIST {
    volatile UBaseType_t uxNumberOfItems;
    ListItem_t *pxIndex; /* The item round robin reached last. */
    MiniListItem_t xListEnd; /* Sentinel: before the first item and behind the last. */
} List_t;

#define listEND(pxList) ((ListItem_t *)&(pxList)->xListEnd)
#define listCURRENT_LIST_LENGTH(pxList) ((pxList)->uxNumberOfItems)
#define listLIST_IS_EMPTY(pxList) ((pxList)->uxNumberOfItems == 0)
#define listHEAD(pxList) ((pxList)->xListEnd.pxNext)

void vListInitialise(List_t *pxList);
void vListInitialiseItem(ListItem_t *pxItem, void *pvOwner);

/* Sorted by xItemValue, behind items of the same value. */
void vListInsert(List_t *pxList, ListItem_t *pxItem);

/* Where round robin comes last. */
void vListInsertEnd(List_t *pxList, ListItem_t *pxItem);

/* Takes the item out of the list it is in, if any. */
void vListRemove(ListItem_t *pxItem);

/* Advances pxIndex, past the sentinel, and returns the owner it arrives at. The list must not be empty. */
void *pvListNextOwner(List_t *pxList);

#endif
