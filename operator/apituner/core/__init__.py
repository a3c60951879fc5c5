"""
The brain: from what was seen to what to do, and why. Pure: no I/O, no clock, no logging, the standard library only.

Reading order: configuration, workload, snapshot, policy (the words); trust, laws, demand, finding, evidence, checks, moves, diagnosis (what
is wrong); forecast, feasibility, solver (what would be better); plan, memory, ownership, guards, progress (how to get there safely);
situation, decision, decide (the page that calls them all).
"""
