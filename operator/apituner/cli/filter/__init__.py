"""
The brain as a filter: JSON lines in, one answer line each out.

Reading order: lines (bounded bytes), documents (strict JSON), malformed (the sentence that refuses a line), scalars, deployed, sighted and
question (what a line may say, in the words of the contract), workloads and snapshots (the same in the words of the core), drawn (the
connection budget), durable (the status that is handed back), steps and rollouts (what was asked for, and when it was seen to be done), held
(what a running operator would keep in memory), answer (the words of the answer), brain (the page that calls them all).
"""
