"""
Golden stories: a small world told tick by tick to ``apituner decide``, and what it answered, written down to be read and compared.

Reading order: queues (the laws), api (what an API costs and suffers), flow (what happened in one tick, and the signals of a window),
rollout (pods that come and go), world (all of it, as lines), story (a world and what happens to it), teller (the transcript). The stories
are in ``stories``, one a file, and what was told of each in ``told``. ``make golden`` tells them anew: commit only what you understand.
"""
