"""Evidence of receipts: signed lines, chained for each project, that show every change made behind the back of all.

``chain.py`` appends in the transaction of the register, ``log.py`` shows, exports and proves, ``checking.py`` checks
without a catalogue or a network.
"""
