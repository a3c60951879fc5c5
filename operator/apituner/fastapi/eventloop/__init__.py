"""
What the event loop did while requests waited for it.

Reading order: clocks (what the system knows of a thread), lag (how late the loop is), suspects (who stands on a stack), stalls (who held
the loop), pauses (garbage collection).
"""
