/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "list.h"

void vListInitialise(List_t *pxList)
{
    pxList->xListEnd.xItemValue = portMAX_DELAY; /* Sorts behind everything. */
    pxList->xListEnd.pxNext = listEND(pxList);
    pxList->xListEnd.pxPrevious = listEND(pxList);
    pxList->pxIndex = listEND(pxList);
    pxList->uxNumberOfItems = 0;
}

void vListInitialiseItem(ListItem_t *pxItem, void *pvOwner)
{
    pxItem->pvOwner = pvOwner;
    pxItem->pvContainer = NULL;
}

static void prvInsertBefore(List_t *pxList, ListItem_t *pxItem, ListItem_t *pxNext)
{
    pxItem->pxNext = pxNext;
    pxItem->pxPrevious = pxNext->pxPrevious;
    pxNext->pxPrevious->pxNext = pxItem;
    pxNext->pxPrevious = pxItem;
    pxItem->pvContainer = pxList;
    pxList->uxNumberOfItems++;
}

void vListInsert(List_t *pxList, ListItem_t *pxItem)
{
    ListItem_t *pxNext = listHEAD(pxList);

    while (pxNext != listEND(pxList) && pxNext->xItemValue <= pxItem->xItemValue) {
        pxNext = pxNext->pxNext;
    }
    prvInsertBefore(pxList, pxItem, pxNext);
}

void vListInsertEnd(List_t *pxList, ListItem_t *pxItem)
{
    prvInsertBefore(pxList, pxItem, pxList->pxIndex);
}

void vListRemove(ListItem_t *pxItem)
{
    List_t *pxList = pxItem->pvContainer;

    if (pxList == NULL) {
        return;
    }
    if (pxList->pxIndex == pxItem) {
        pxList->pxIndex = pxItem->pxPrevious;
    }
    pxItem->pxPrevious->pxNext = pxItem->pxNext;
    pxItem->pxNext->pxPrevious = pxItem->pxPrevious;
    pxItem->pvContainer = NULL;
    pxList->uxNumberOfItems--;
}

void *pvListNextOwner(List_t *pxList)
{
    ListItem_t *pxItem = pxList->pxIndex->pxNext;

    if (pxItem == listEND(pxList)) {
        pxItem = pxItem->pxNext;
    }
    pxList->pxIndex = pxItem;
    return pxItem->pvOwner;
}
