"""``python -m golden``: tell all stories anew."""

from golden.teller import main

main()
