"""Claims: what a study says will hold, how it is written, and how measured metrics decide it.

`grammar` reads claims, `grid` checks them against what a study computes, `decide` reaches verdicts.
"""
