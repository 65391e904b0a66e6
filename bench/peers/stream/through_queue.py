"""Frames of an order book through a multiprocessing.Queue: python3 through_queue.py FILE FIRST

Prints how many seconds all frames but the first FIRST took, how often each was handled, how many were out of order, and
how often a book was not as the feed said. Prices and sizes are whole numbers of their last decimal, each side is a
sorted list, and the best prices are compared with those of the feed, as in the other contenders.
"""

import json
import multiprocessing
import sys
import time
from bisect import bisect_left, insort

FIRST_AT = 1767225600000
ONE = 10000


def units(text, decimals):
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(decimals, "0"))


class Side:
    """Sizes by rank, the best last; the rank of an ask is what is missing from its price to 1."""

    __slots__ = ("ranks", "levels")

    def __init__(self, levels=()):
        self.levels = dict(levels)
        self.ranks = sorted(self.levels)

    def set(self, rank, size, at):
        if size == 0:
            if self.levels.pop(rank, None) is not None:
                del self.ranks[bisect_left(self.ranks, rank)]
        else:
            if rank not in self.levels:
                insort(self.ranks, rank)
            self.levels[rank] = (size, at)

    def best(self):
        return self.ranks[-1] if self.ranks else 0


class Books:
    def __init__(self):
        self.assets = {}
        self.wrong = 0

    def apply(self, event):
        kind = event["event_type"]
        if kind == "price_change":
            at = int(event["timestamp"])
            for change in event["price_changes"]:
                book = self.assets[change["asset_id"]]
                price, size = units(change["price"], 4), units(change["size"], 6)
                if change["side"] == "BUY":
                    book["bids"].set(price, size, at)
                else:
                    book["asks"].set(ONE - price, size, at)
            for change in event["price_changes"]:
                book = self.assets[change["asset_id"]]
                if book["stale"]:
                    continue
                bid, ask = units(change["best_bid"], 4), units(change["best_ask"], 4)
                if bid != book["bids"].best() or ask != ONE - book["asks"].best():
                    book["stale"] = True
                    self.wrong += 1
        elif kind == "book":
            at = int(event["timestamp"])
            self.assets[event["asset_id"]] = {
                "market": event["market"],
                "stale": False,
                "bids": Side((units(level["price"], 4), (units(level["size"], 6), at)) for level in event["bids"]),
                "asks": Side((ONE - units(level["price"], 4), (units(level["size"], 6), at)) for level in event["asks"]),
            }
        elif kind == "last_trade_price":
            for book in self.assets.values():
                if book["market"] == event["market"]:
                    book["stale"] = True


def work(queue, answers, messages, first):
    books, last, counts, out_of_order = Books(), {}, bytearray(messages), 0
    answers.put("ready")
    for number in range(messages):
        event = json.loads(queue.get())
        books.apply(event)
        at = int(event["timestamp"]) - FIRST_AT
        counts[at] += 1
        if at <= last.get(event["market"], -1):
            out_of_order += 1
        last[event["market"]] = at
        if number == first - 1:
            answers.put("first")
    answers.put("all")
    answers.put((list(counts), out_of_order, books.wrong))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        frames = file.read().splitlines()
    first = int(sys.argv[2])
    queue, answers = multiprocessing.Queue(), multiprocessing.Queue()
    worker = multiprocessing.Process(target=work, args=(queue, answers, len(frames), first))
    worker.start()
    answers.get()
    for frame in frames[:first]:
        queue.put(frame)
    answers.get()
    begun = time.perf_counter()
    for frame in frames[first:]:
        queue.put(frame)
    answers.get()
    seconds = time.perf_counter() - begun
    counts, out_of_order, wrong = answers.get()
    worker.join()
    if wrong > 0:
        raise SystemExit(f"expected books to be as their feed says, got: {wrong} that were not")
    print(json.dumps({"seconds": seconds, "counts": counts, "outOfOrder": out_of_order}))


if __name__ == "__main__":
    main()
