"""``python -m golden``: tell all stories anew, and renew the example of the page."""

from golden.example import PAGE, renewed
from golden.teller import main

main()
PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
