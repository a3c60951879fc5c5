"""
The brain: from what was seen to what to do, and why. Pure: no I/O, no clock, no logging, the standard library only.

Reading order: configuration, workload, snapshot, bursts, policy (the words); trust, laws, estimation, demand (what a request asks for);
finding, evidence, checks, moves, diagnosis (what is wrong); calibration, problem, stations, forecast, feasibility, costs, search, reach,
alternatives, solver (what would be better); strategy, peak, room, plan (the way there, and what it opens); change, blocks, stabilization,
agreement, memory (what outlives a restart); ownership, bounds, proposal, guards, pacing (who may object); judge, passage, settling,
progress (a change on its way, to its judgement); situation, decision, decide (the page that calls them all).
"""
