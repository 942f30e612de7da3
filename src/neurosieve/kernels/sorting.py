"""Arrays that sort themselves: cells that act one at a time by local policies, and the top-down sorts beside them.

A cell has a value, a policy (bubble, insertion, selection), a goal (ascending or descending) and may be frozen: it then
never acts, and in the immovable kind no swap may touch it. Arrays by cell [n] unless they are by position.
"""

from __future__ import annotations

import numpy as np
from numba import njit

BUBBLE, INSERTION, SELECTION, RANDOM = 0, 1, 2, 3
ASCENDING, DESCENDING = 0, 1


@njit(cache=True)
def act(
    cell: int,
    right: bool,
    value: np.ndarray,
    policy: np.ndarray,
    down: np.ndarray,
    frozen: np.ndarray,
    movable: bool,
    cell_at: np.ndarray,
    place: np.ndarray,
    ideal: np.ndarray,
    first_bad: np.ndarray,
) -> tuple[int, int]:
    """One activation: the position the cell swaps with (-1: none), and the values of other cells it read.

    Bubble looks right or left. Insertion acts only if all to its left is in order; a frozen cell there is skipped and
    order begins anew. Selection looks at its ideal position, moves it on past smaller, equal and frozen cells (in the
    movable kind it still swaps with a larger frozen one), and mirrors positions when it sorts down.
    """
    n, p, v = value.size, place[cell], value[cell]
    if policy[cell] == SELECTION:
        if ideal[cell] >= n:
            return -1, 0
        q = n - 1 - ideal[cell] if down[cell] else ideal[cell]
        other = cell_at[q]
        if frozen[other] and other != cell:
            ideal[cell] += 1
            return (q if movable and v < value[other] else -1), 1
        if q == p:
            return -1, 0
        if v >= value[other]:
            ideal[cell] += 1
            return -1, 1
        return q, 1
    if policy[cell] == INSERTION:
        bad = first_bad[DESCENDING if down[cell] else ASCENDING]
        if p == 0 or bad < p:
            return -1, (0 if p == 0 else bad + 1)
        q, reads, right = p - 1, p, False
    else:
        q, reads = (p + 1 if right else p - 1), 1
        if q < 0 or q >= n:
            return -1, 0
    other = cell_at[q]
    greater, less = v > value[other], v < value[other]
    wants = greater if right != down[cell] else less
    if policy[cell] == RANDOM:
        wants = True
    return (q if wants and (movable or not frozen[other]) else -1), reads


@njit(cache=True)
def in_order(j: int, goal: int, value: np.ndarray, frozen: np.ndarray, cell_at: np.ndarray) -> bool:
    """Whether the cells at positions j - 1 and j stand in a goal's order, or one of them is frozen (and skipped)."""
    one, other = cell_at[j - 1], cell_at[j]
    if frozen[one] or frozen[other]:
        return True
    return value[other] >= value[one] if goal == ASCENDING else value[other] <= value[one]


@njit(cache=True)
def settle(a: int, b: int, value: np.ndarray, frozen: np.ndarray, cell_at: np.ndarray, first_bad: np.ndarray) -> None:
    """Bring `first_bad` [2], the first position out of order for each goal, up to date after a swap of a and b."""
    n = value.size
    for goal in range(2):
        bad = first_bad[goal]
        for j in (a, a + 1, b, b + 1):
            if 1 <= j < min(n, bad) and not in_order(j, goal, value, frozen, cell_at):
                bad = j
        while bad < n and in_order(bad, goal, value, frozen, cell_at):
            bad += 1
        first_bad[goal] = bad


@njit(cache=True)
def around(a: int, b: int, value: np.ndarray, types: np.ndarray, cell_at: np.ndarray) -> tuple[int, int]:
    """Descents, and neighbours of one type, among the pairs that a swap of positions a and b touches."""
    descents, same = 0, 0
    low, high = min(a, b), max(a, b)
    for j in range(low, high + 2):
        if 1 <= j < value.size and (j <= low + 1 or j >= high):
            one, other = cell_at[j - 1], cell_at[j]
            descents += value[other] < value[one]
            same += types[one] == types[other]
    return descents, same


@njit(cache=True)
def swap(p: int, q: int, cell_at: np.ndarray, place: np.ndarray) -> None:
    """Exchange the cells at two positions."""
    one, other = cell_at[p], cell_at[q]
    cell_at[p], cell_at[q] = other, one
    place[one], place[other] = q, p


@njit(cache=True)
def start(value: np.ndarray, frozen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cells by position, positions by cell, ideal positions, and the first position out of order for each goal."""
    cell_at, place = np.arange(value.size), np.arange(value.size)
    first_bad = np.ones(2, np.int64)
    settle(0, 0, value, frozen, cell_at, first_bad)
    return cell_at, place, np.zeros(value.size, np.int64), first_bad


@njit(cache=True)
def replay(
    value: np.ndarray,
    policy: np.ndarray,
    down: np.ndarray,
    frozen: np.ndarray,
    movable: bool,
    order: np.ndarray,
    coin: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Cells `order` [ticks] act in turn, looking right where `coin` [ticks] is 1.

    Returns the ticks of the swaps [swaps], cells by position after each [swaps, n], ideal positions [n], values read.
    """
    cell_at, place, ideal, first_bad = start(value, frozen)
    ticks, snapshots = np.zeros(order.size, np.int64), np.zeros((order.size, value.size), np.int64)
    swaps, reads = 0, 0
    for tick in range(order.size):
        cell = order[tick]
        if frozen[cell]:
            continue
        p = place[cell]
        q, read = act(cell, coin[tick] == 1, value, policy, down, frozen, movable, cell_at, place, ideal, first_bad)
        reads += read
        if q >= 0:
            swap(p, q, cell_at, place)
            settle(p, q, value, frozen, cell_at, first_bad)
            ticks[swaps] = tick
            snapshots[swaps] = cell_at
            swaps += 1
    return ticks[:swaps], snapshots[:swaps], ideal, reads


@njit(cache=True)
def run(
    value: np.ndarray,
    policy: np.ndarray,
    types: np.ndarray,
    down: np.ndarray,
    frozen: np.ndarray,
    movable: bool,
    one_goal: bool,
    uniform: bool,
    idle: int,
    most: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, int]:
    """Sweeps in which every cell acts once in a fresh order (`uniform`: one random cell per tick), until sorted.

    Sorted ends a run only with `one_goal`; `idle` sweeps without a swap or a moved ideal position do, and `most` swaps.
    Returns after each swap the descents [swaps] and the neighbours of one type [swaps], then the cells by position [n],
    the values read and the ticks.
    """
    n = value.size
    cell_at, place, ideal, first_bad = start(value, frozen)
    errors, alike = np.zeros(most, np.int64), np.zeros(most, np.int64)
    error, same = 0, 0
    for j in range(1, n):
        error += value[j] < value[j - 1]
        same += types[j] == types[j - 1]
    order = np.arange(n)
    swaps, reads, tick, quiet = 0, 0, 0, 0
    while not (one_goal and error == 0) and swaps < most and quiet < idle * n:
        if tick % n == 0 and not uniform:
            for i in range(n - 1, 0, -1):
                k = int(rng.random() * (i + 1))
                order[i], order[k] = order[k], order[i]
        cell = int(rng.random() * n) if uniform else order[tick % n]
        tick += 1
        quiet += 1
        if frozen[cell]:
            continue
        if policy[cell] == INSERTION and first_bad[down[cell]] < place[cell]:  # most ticks: not worth a call
            reads += first_bad[down[cell]] + 1
            continue
        right = policy[cell] != INSERTION and policy[cell] != SELECTION and rng.random() < 0.5
        p, before = place[cell], ideal[cell]
        q, read = act(cell, right, value, policy, down, frozen, movable, cell_at, place, ideal, first_bad)
        reads += read
        if ideal[cell] != before:
            quiet = 0
        if q >= 0:
            descents, pairs = around(p, q, value, types, cell_at)
            swap(p, q, cell_at, place)
            settle(p, q, value, frozen, cell_at, first_bad)
            now, pairs_now = around(p, q, value, types, cell_at)
            error, same = error + now - descents, same + pairs_now - pairs
            errors[swaps], alike[swaps] = error, same
            swaps, quiet = swaps + 1, 0
    return errors[:swaps], alike[:swaps], cell_at, reads, tick


@njit(cache=True)
def top_down(
    value: np.ndarray, algorithm: int, frozen: np.ndarray, movable: bool
) -> tuple[np.ndarray, np.ndarray, int]:
    """One controller sorts by adjacent bubble swaps, adjacent insertion or selection, and does not notice refusals.

    A swap is refused where its initiator is frozen (bubble: the left cell, insertion: the moving one, selection: the
    smallest one found), in the immovable kind also where its partner is. Returns the descents after each swap [swaps],
    the cells by position [n] and the values compared.
    """
    n = value.size
    cell_at = np.arange(n)
    errors = np.zeros(n * n, np.int64)
    error, swaps, reads = 0, 0, 0
    for j in range(1, n):
        error += value[j] < value[j - 1]
    for turn in range(n):
        tried = False
        last = turn if algorithm == INSERTION else n - 1 - turn
        smallest = turn
        for step in range(last):
            if algorithm == SELECTION:
                other = turn + 1 + step
                reads += 1
                if value[cell_at[other]] < value[cell_at[smallest]]:
                    smallest = other
                if other < n - 1 or smallest == turn:
                    continue
                initiator, partner = smallest, turn
            else:
                left = step if algorithm == BUBBLE else turn - 1 - step
                reads += 1
                if value[cell_at[left + 1]] >= value[cell_at[left]]:
                    if algorithm == INSERTION:
                        break
                    continue
                initiator, partner = (left, left + 1) if algorithm == BUBBLE else (left + 1, left)
            tried = True
            if frozen[cell_at[initiator]] or (frozen[cell_at[partner]] and not movable):
                continue
            before, _ = around(initiator, partner, value, value, cell_at)
            cell_at[initiator], cell_at[partner] = cell_at[partner], cell_at[initiator]
            after, _ = around(initiator, partner, value, value, cell_at)
            error += after - before
            errors[swaps] = error
            swaps += 1
        if algorithm == BUBBLE and not tried:
            break
    return errors[:swaps], cell_at, reads
